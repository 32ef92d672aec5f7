package disk

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const (
	// fileName is that of the copy in the data directory.
	fileName = "keys.copy"
	// fileMode and folderMode are those of what is made, for nobody else to read.
	fileMode, folderMode = 0o600, 0o700
	// version is that of the format. It is raised where a gateway that knows the one before would
	// read it wrongly: 2 has who is disabled. Those from oldest on are read.
	version, oldest = 2, 1
	// lineBytesMax bounds a line: a key with all that it can have is a tenth of it.
	lineBytesMax = 1 << 20
)

// ErrNone is returned where there is no copy.
var ErrNone = errors.New("there is no copy of the control database on the disk")

// Copy is the file in a folder. Write may be called by one goroutine at a time.
type Copy struct {
	Folder string // made where it is missing
	// Database names the database that it is a copy of. One of another is not read.
	Database string
	Now      func() time.Time // nil: the system's clock
}

// The file has a line for its head, one for each key, one for each of the people, and one for the
// end, in JSON. Times are
// microseconds since 1970, 0 for none.
type (
	head struct {
		Version  int    `json:"version"`
		Database string `json:"database"` // SHA-256 of its name
		Written  int64  `json:"written_at"`
		Revision int64  `json:"revision"`
		Sum      string `json:"sum"`
		Keys     int    `json:"keys"`
		People   int    `json:"people"` // since version 2
	}
	key struct {
		ID        string          `json:"id"`
		User      string          `json:"user"`
		Tenant    string          `json:"tenant,omitzero"`
		Roles     []identity.Role `json:"roles"`
		ActAs     bool            `json:"act_as"`
		Models    []string        `json:"models"`
		Endpoints []string        `json:"endpoints"`
		Expires   int64           `json:"expires_at"`
		Secrets   []secret        `json:"secrets"`
	}
	secret struct {
		Hash    string `json:"hash"`
		Created int64  `json:"created_at"`
		Expires int64  `json:"expires_at"`
	}
	end struct {
		Sum string `json:"sha256"` // of all lines before
	}
)

func (c Copy) path() string { return filepath.Join(c.Folder, fileName) }

// name returns how the file names the database.
func (c Copy) name() string {
	sum := sha256.Sum256([]byte(c.Database))
	return hex.EncodeToString(sum[:])
}

// Write replaces the copy by all that is known. It is on the disk when Write returns; where that
// fails, the copy of before is still there.
func (c Copy) Write(known registry.Changes) (err error) {
	if err := os.MkdirAll(c.Folder, folderMode); err != nil {
		return err
	}
	file, err := c.create()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	err = c.write(file, known)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), c.path()); err != nil {
		return err
	}
	return syncFolder(c.Folder)
}

// create makes the file that is to take the place of the copy. One that was left by a gateway
// that died is removed.
func (c Copy) create() (*os.File, error) {
	name := c.path() + ".new"
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	// #nosec G304 -- the operator names it
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
}

// syncFolder has the folder's entries written to the disk.
func syncFolder(folder string) error {
	f, err := os.Open(folder) // #nosec G304 -- the operator names it
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (c Copy) write(to io.Writer, known registry.Changes) error {
	buffered, sum := bufio.NewWriter(to), sha256.New()
	line := func(what any) error {
		b, err := json.Marshal(what)
		if err != nil {
			return err
		}
		b = append(b, '\n')
		_, _ = sum.Write(b) // it never fails
		_, err = buffered.Write(b)
		return err
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	people := peopleFrom(&known)
	if err := line(head{
		Version: version, Database: c.name(), Written: now().UnixMicro(),
		Revision: known.Revision.Number, Sum: known.Revision.Sum.String(), Keys: len(known.Keys),
		People: len(people),
	}); err != nil {
		return err
	}
	for i := range known.Keys {
		if err := line(keyFrom(&known.Keys[i])); err != nil {
			return err
		}
	}
	for i := range people {
		if err := line(people[i]); err != nil {
			return err
		}
	}
	if err := line(end{hex.EncodeToString(sum.Sum(nil))}); err != nil {
		return err
	}
	return buffered.Flush()
}

func keyFrom(k *registry.Key) key {
	f := key{
		ID: k.ID, User: k.User, Tenant: k.Tenant, Roles: k.Roles, ActAs: k.ActAs, Models: k.Models,
		Endpoints: k.Endpoints, Expires: registry.Moment(k.Expires),
	}
	for _, s := range k.Secrets {
		digits := hex.EncodeToString(s.Hash[:])
		f.Secrets = append(f.Secrets, secret{
			digits, registry.Moment(s.Created), registry.Moment(s.Expires),
		})
	}
	return f
}

// Read returns what was written last, and when. It fails with ErrNone, and where the copy is
// damaged, of another format or of another database.
func (c Copy) Read() (known registry.Changes, written time.Time, err error) {
	file, err := os.Open(c.path())
	if errors.Is(err, os.ErrNotExist) {
		return known, written, ErrNone
	}
	if err != nil {
		return known, written, err
	}
	defer file.Close()
	return c.read(file)
}

func (c Copy) read(from io.Reader) (known registry.Changes, written time.Time, err error) {
	r := reader{bufio.NewScanner(from), sha256.New()}
	r.lines.Buffer(nil, lineBytesMax)
	var h head
	if err := r.next(&h); err != nil {
		return known, written, fmt.Errorf("its head: %w", err)
	}
	switch {
	case h.Version < oldest || h.Version > version:
		return known, written, fmt.Errorf("it has the format %d, and this gateway reads %d to %d",
			h.Version, oldest, version)
	case h.Database != c.name():
		return known, written, errors.New("it is of another database than database.url names")
	}
	known = registry.Changes{Whole: true, Revision: registry.Revision{Number: h.Revision}}
	if known.Revision.Sum, err = registry.ParseSum(h.Sum); err != nil {
		return known, written, err
	}
	if known.Keys, err = r.keys(h.Keys); err == nil {
		err = r.people(h.People, &known)
	}
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return registry.Changes{}, written, err
	}
	return known, registry.TimeOf(h.Written), nil
}

// reader reads lines, and sums them up.
type reader struct {
	lines *bufio.Scanner
	sum   hash.Hash
}

var errDamaged = errors.New("it is damaged")

// next reads a line.
func (r *reader) next(into any) error {
	if !r.lines.Scan() {
		return errors.Join(errDamaged, r.lines.Err())
	}
	line := r.lines.Bytes()
	if json.Unmarshal(line, into) != nil {
		return errDamaged // without quoting a line, which has hashes
	}
	_, _ = r.sum.Write(line) // it never fails
	_, _ = r.sum.Write([]byte{'\n'})
	return nil
}

// keys reads so many keys.
func (r *reader) keys(n int) (list []registry.Key, err error) {
	for range n {
		var f key
		if err := r.next(&f); err != nil {
			return nil, err
		}
		k, err := f.key()
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

// end reads the end.
func (r *reader) end() error {
	sum := hex.EncodeToString(r.sum.Sum(nil))
	var e end
	if err := r.next(&e); err != nil {
		return err
	}
	if e.Sum != sum || r.lines.Scan() {
		return errDamaged
	}
	return nil
}

func (f *key) key() (registry.Key, error) {
	k := registry.Key{
		ID: f.ID, User: f.User, Tenant: f.Tenant, Roles: f.Roles, ActAs: f.ActAs, Models: f.Models,
		Endpoints: f.Endpoints, Expires: registry.TimeOf(f.Expires),
	}
	for _, s := range f.Secrets {
		h, err := registry.ReadHash(s.Hash)
		if err != nil {
			return k, errDamaged
		}
		k.Secrets = append(k.Secrets, registry.Secret{
			Hash: h, Created: registry.TimeOf(s.Created), Expires: registry.TimeOf(s.Expires),
		})
	}
	return k, nil
}
