package database

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// fileMode and folderMode are those of what SQLite keeps: it has hashes of keys, and names.
	fileMode, folderMode = 0o600, 0o700
	// fileName is that of SQLite's file in the data directory.
	fileName = "control.db"
	// sqlitePragmas are for one writer at a time, for commits that are on the disk when they
	// are answered, and for readers that do not wait for the writer. A file that is not there
	// is not made.
	sqlitePragmas = "mode=rw&_txlock=immediate&_pragma=busy_timeout(5000)" +
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	// keepLog has the file keep a log of what is written (WAL), from then on.
	keepLog = "PRAGMA journal_mode = WAL"
	// lockPatience is how long the file's lock is waited for where SQLite does not wait itself:
	// where the kind of its log changes (https://sqlite.org/wal.html).
	lockPatience = 5 * time.Second
	lockPause    = 10 * time.Millisecond
)

// sqliteFile is an engine: a file, and connections to it. It is safe for concurrent use.
type sqliteFile struct {
	path     string
	existing bool

	mu       sync.Mutex
	db       *sql.DB     // nil: not opened yet
	follower *sql.DB     // of the same file, and reads alone
	info     os.FileInfo // of db's file
	wal      os.FileInfo // of the one beside it, as last seen; nil: it was not
}

// openSQLite opens the file in the folder of o. Unless it has to exist, both are made where they
// are missing.
func openSQLite(o Options) (*sqliteFile, error) {
	s := &sqliteFile{path: filepath.Join(o.Folder, fileName), existing: o.Existing}
	if !o.Existing {
		if err := os.MkdirAll(o.Folder, folderMode); err != nil {
			return nil, err
		}
		if _, err := s.pool(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// pool returns connections to the file that is there at the moment: where another one has taken
// its place, such as a copy that was restored, that one is opened. A file that was there and is
// gone is not made anew, for nobody's key would be known then.
func (s *sqliteFile) pool() (*sql.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.path)
	switch {
	case err == nil:
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case s.db != nil:
		return nil, fmt.Errorf("%w: put the file back, or restart the gateway to begin "+
			"without a key", err)
	case s.existing:
		return nil, ErrNone
	default:
		if info, err = s.create(); err != nil {
			return nil, err
		}
	}
	wal, _ := os.Stat(s.path + "-wal") // it need not be there
	if s.db != nil && os.SameFile(s.info, info) {
		s.wal = wal
		return s.db, nil
	}
	if s.db != nil && s.wal != nil && wal != nil && os.SameFile(s.wal, wal) {
		return nil, errOldLog
	}
	err = s.open(info)
	return s.db, err
}

// errOldLog is what a call fails with where another file has taken the place of the database, and
// the log of the one before is still beside it: SQLite would write that into the new one.
var errOldLog = errors.New("another control.db was put in its place, and control.db-wal is that " +
	"of the one before: stop the gateway, remove control.db-wal and control.db-shm, put the " +
	"copy there once more, and start the gateway")

// create makes the file, empty.
func (s *sqliteFile) create() (os.FileInfo, error) {
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// open opens connections to the file. The caller holds the lock.
func (s *sqliteFile) open(info os.FileInfo) error {
	if info.Mode().Perm()&^fileMode != 0 { // SQLite gives its other files the same mode
		if err := os.Chmod(s.path, fileMode); err != nil {
			return fmt.Errorf("others may read the control database: %w", err)
		}
	}
	db, err := s.connection(sqlitePragmas)
	if err != nil {
		return err
	}
	if err := keepsLog(db); err != nil {
		return errors.Join(err, db.Close())
	}
	follower, err := s.connection(sqlitePragmas + "&_pragma=query_only(1)")
	if err != nil {
		return errors.Join(err, db.Close())
	}
	_ = s.closeAll()
	s.db, s.follower, s.info, s.wal = db, follower, info, nil
	return nil
}

// keepsLog has the file of db keep a log, which it does once that is said. Others may have it open.
func keepsLog(db *sql.DB) error {
	for begun := time.Now(); ; time.Sleep(lockPause) {
		_, err := db.Exec(keepLog)
		e, ok := errors.AsType[*sqlite.Error](err)
		if !ok || e.Code()&0xff != sqlite3.SQLITE_BUSY || time.Since(begun) > lockPatience {
			return err
		}
	}
}

// connection returns a pool of one connection: whoever else writes would only wait.
func (s *sqliteFile) connection(pragmas string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Opaque: url.PathEscape(s.path), RawQuery: pragmas}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// following reads while somebody writes.
func (s *sqliteFile) following(db *sql.DB) *sql.DB {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == db {
		return s.follower
	}
	return db // another file has taken its place meanwhile
}

func (s *sqliteFile) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closeAll()
}

// closeAll closes what is open. The caller holds the lock.
func (s *sqliteFile) closeAll() error {
	if s.db == nil {
		return nil
	}
	return errors.Join(s.follower.Close(), s.db.Close())
}

func (*sqliteFile) lock() string    { return "" }
func (*sqliteFile) tell() string    { return "" }
func (*sqliteFile) bounded() string { return "''" } // locks of a file end with its process
func (*sqliteFile) standby() string { return "FALSE" }

func (*sqliteFile) hasTable() string {
	return "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)"
}

func (*sqliteFile) clock() string { return "CAST(unixepoch('subsec') * 1000000 AS INTEGER)" }

func (*sqliteFile) isTaken(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}
