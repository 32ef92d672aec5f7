package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// must ends the test at the first error.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestChangedFilesAreRead: in all the ways in which files are changed, each of
// which has to work after every other.
func TestChangedFilesAreRead(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Reloads: true})
	file := filepath.Join(g.Folder, "application.yml")
	first, err := os.ReadFile(file)
	must(t, err)
	change := 0
	next := func() []byte {
		change++
		return fmt.Appendf(nil, "%stoken: {rate-limit: {store: memory, models: {%s: {max-requests-per-day: %d}}}}\n",
			first[:strings.Index(string(first), "token:")], apptest.Model, change)
	}
	version := func(name string) string { // a folder with the next content
		dir := filepath.Join(g.Folder, name)
		must(t, os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "application.yml"), next(), 0o600))
		return dir
	}
	for _, way := range []struct {
		name string
		do   func()
	}{
		{"written in place", func() { must(t, os.WriteFile(file, next(), 0o600)) }},
		{"replaced, as editors do", func() {
			must(t, os.WriteFile(file+"~", next(), 0o600), os.Rename(file, file+".bak"), os.Rename(file+"~", file))
		}},
		{"removed and written anew", func() { must(t, os.Remove(file), os.WriteFile(file, next(), 0o600)) }},
		{"mounted by Kubernetes", func() {
			must(t, os.Remove(file), os.Symlink(version("..1"), filepath.Join(g.Folder, "..data")), os.Symlink("..data/application.yml", file))
		}},
		{"updated by Kubernetes", func() {
			data := filepath.Join(g.Folder, "..data")
			must(t, os.Symlink(version("..2"), data+"_tmp"), os.Rename(data+"_tmp", data), os.RemoveAll(filepath.Join(g.Folder, "..1")))
		}},
		{"changed behind the link", func() { must(t, os.WriteFile(filepath.Join(g.Folder, "..2", "application.yml"), next(), 0o600)) }},
		{"the folder removed, and back", func() {
			must(t, os.RemoveAll(g.Folder), os.Mkdir(g.Folder, 0o700), os.WriteFile(file, next(), 0o600))
		}},
		{"written in the folder that came back", func() { must(t, os.WriteFile(file, next(), 0o600)) }},
		{"another folder in its place", func() {
			moved := g.Folder + "-moved"
			must(t, os.Mkdir(moved, 0o700), os.WriteFile(filepath.Join(moved, "application.yml"), next(), 0o600),
				os.Rename(g.Folder, moved+"-old"), os.Rename(moved, g.Folder), os.RemoveAll(moved+"-old"))
		}},
		{"the folder a link", func() {
			target := g.Folder + "-target"
			must(t, os.Mkdir(target, 0o700), os.WriteFile(filepath.Join(target, "application.yml"), next(), 0o600),
				os.RemoveAll(g.Folder), os.Symlink(target, g.Folder))
		}},
		{"the link leading elsewhere", func() {
			target := g.Folder + "-other"
			must(t, os.Mkdir(target, 0o700), os.WriteFile(filepath.Join(target, "application.yml"), next(), 0o600),
				os.Symlink(target, g.Folder+"-link"), os.Rename(g.Folder+"-link", g.Folder))
		}},
	} {
		way.do()
		want := fmt.Sprintf(`max-requests-per-day":{"value":%d}`, change)
		if !apptest.Eventually(func() bool { return strings.Contains(g.Get(t, "/actuator/env"), want) }) {
			t.Fatalf("%s: the configuration is\n%s\nand the log says\n%s", way.name, g.Get(t, "/actuator/env"), g.Logs)
		}
	}
	for _, l := range told(t, g) {
		if l.Level == "ERROR" && !strings.Contains(fmt.Sprint(l.Mistakes), "does not exist") {
			t.Errorf("the log says %+v", l)
		}
	}
}

// TestBurstOfWritesIsOneReload: a file that is being written is left alone. A
// busy machine may make a pause that is long enough for one more.
func TestBurstOfWritesIsOneReload(t *testing.T) {
	const writes, pauses = 100, 5
	g := apptest.Start(t, apptest.Options{Reloads: true})
	file := filepath.Join(g.Folder, "application.yml")
	text, err := os.ReadFile(file)
	must(t, err)
	for i := range writes {
		must(t, os.WriteFile(file, fmt.Appendf(nil, "%stoken: {rate-limit: {store: memory, default-output-tokens: %d}}\n",
			text[:strings.Index(string(text), "token:")], 1000+i), 0o600))
	}
	want := fmt.Sprintf(`default-output-tokens":{"value":%d}`, 1000+writes-1)
	if !apptest.Eventually(func() bool { return strings.Contains(g.Get(t, "/actuator/env"), want) }) {
		t.Fatal("the last one is not applied")
	}
	if lines := told(t, g); len(lines) > 1+pauses {
		t.Errorf("%d writes are %d reloads", writes, len(lines))
	}
}
