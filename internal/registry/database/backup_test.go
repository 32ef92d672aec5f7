package database

import (
	"context"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestBackup: a copy that is made while somebody writes, by the commands of docs/operations.md, and
// put back while gateways run, has all that there was when it was made, and its audit is whole.
// Gateways notice it, also where the copy is of an older schema.
func TestBackup(t *testing.T) {
	for name, engine := range map[string]func(t *testing.T, folder string) (o Options, backup, restore func()){
		"sqlite": fileByCommands, "postgres": databaseByCommands,
		"sqlite of an older schema": fileByCommands, "postgres of an older schema": databaseByCommands,
	} {
		t.Run(name, func(t *testing.T) {
			o, backup, restore := engine(t, t.TempDir())
			d, err := Open(o)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			_, kept := create(t, d, "alice")
			older := strings.HasSuffix(name, "schema")
			if older {
				undo(t, d)
				backup()
			}
			var log lines
			f := follow(t, d, slog.New(slog.NewTextHandler(&log, nil)))
			await(t, f, kept, "alice")
			ctx, stop := context.WithCancel(t.Context())
			writing := make(chan struct{})
			go func() { // writers go on meanwhile
				defer close(writing)
				for ctx.Err() == nil {
					k, _ := key("bob")
					if _, err := d.Create(ctx, k, act); err != nil {
						time.Sleep(time.Millisecond) // it is locked, or brought up
					}
				}
			}()
			if !older {
				backup()
			}
			_, lost := create(t, d, "carol")
			await(t, f, lost, "carol")
			restore()
			stop()
			<-writing
			await(t, f, lost, "?")
			await(t, f, kept, "alice")
			_, late := create(t, d, "dave")
			await(t, f, late, "dave")
			if last, err := registry.VerifyStore(t.Context(), d); err != nil {
				t.Errorf("the audit up to %d: %v", last.Revision, err)
			}
			if log.count("another history") == 0 {
				t.Error("the log does not tell of the copy")
			}
		})
	}
}

// undo takes back all migrations but the first: tables, columns and indexes, the last first.
func undo(t *testing.T, d *Database) {
	t.Helper()
	var statements []string
	for _, step := range steps[1:] {
		for line := range strings.Lines(step.text) {
			switch words := strings.Fields(line); {
			case len(words) < 3:
			case words[0] == "CREATE": // TABLE or INDEX
				statements = append(statements, "DROP "+words[1]+" "+words[2])
			case words[0] == "ALTER":
				statements = append(statements, "ALTER TABLE "+words[2]+" DROP COLUMN "+words[5])
			}
		}
	}
	statements = append(statements, "DELETE FROM schema_version WHERE version > 1")
	slices.Reverse(statements)
	for _, s := range statements {
		if _, err := pool(t, d).ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

// fileByCommands is SQLite's engine with the commands of the documents.
func fileByCommands(t *testing.T, folder string) (o Options, backup, restore func()) {
	file, copied := filepath.Join(t.TempDir(), fileName), filepath.Join(folder, "copy.db")
	run := func(command string) {
		t.Helper()
		for range 9 { // as the documents say, where others write without a pause
			output, err := exec.CommandContext(t.Context(), "sqlite3", "-cmd", ".timeout 5000", file, command).CombinedOutput()
			if err == nil {
				return
			}
			if !strings.Contains(string(output), "busy") {
				t.Fatalf("%v\n%s", err, output)
			}
		}
		t.Fatal("the database stays busy")
	}
	return Options{Folder: filepath.Dir(file)},
		func() { run(".backup " + copied) }, func() { run(".restore " + copied) }
}

// databaseByCommands is PostgreSQL's engine with the commands of the documents.
func databaseByCommands(t *testing.T, folder string) (o Options, backup, restore func()) {
	o.URL = newURL(t)
	return o,
		func() { postgrestest.Run(t, folder, "pg_dump", o.URL, "--format=custom", "--file=control.dump") },
		func() {
			postgrestest.Run(t, folder, "pg_restore", "--file=control.sql", "control.dump")
			postgrestest.Run(t, folder, "psql", o.URL, "--single-transaction", "--set=ON_ERROR_STOP=1",
				"--command=DROP SCHEMA public CASCADE", "--command=CREATE SCHEMA public", "--file=control.sql")
		}
}
