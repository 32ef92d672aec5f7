package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Options says where the configuration comes from.
type Options struct {
	// Dir holds application.yml and application-<profile>.yml; "" is
	// configs. Errors name files by it.
	Dir string
	// Profile names the file to lay over application.yml. When it is "", the
	// first of these that is set counts: the variables PROFILE and
	// SPRING_PROFILES_ACTIVE, and spring.profiles.active in application.yml.
	// When none is, nothing is laid over.
	Profile string
	// Address takes the place of server.address; "" does not.
	Address string
	// Env looks up an environment variable, and Environ lists all as os.Environ does, for
	// warnings; where Env is nil, they are the process's.
	Env     func(string) (string, bool)
	Environ func() []string
	// Files holds the content of Dir; nil is the operating system's.
	Files fs.FS
	// Check returns what is wrong with what settings name, such as files, which
	// is not for this package to look at. What it finds is reported like any other
	// mistake, together with the others: it is asked about a Config that may have
	// some, and not all of its settings. nil finds nothing.
	Check func(*Config) []Finding
}

// Finding is a mistake in the value of a setting that is not secret.
type Finding struct {
	Setting []string // its keys, from the top
	Problem string   // what is wrong, following the value
	Remedy  string   // what to do
}

// Load reads, merges and validates the configuration. The error is of type
// Errors and lists every mistake, and files that could not be read with the system's
// error. Load changes nothing and may be called again and concurrently, as far as
// Options.Check may.
func Load(o Options) (*Config, error) {
	o = o.withDefaults()
	r := &report{}
	root, profile, whole := o.tree(r)
	filled := &interpolation{env: o.Env, report: r, read: map[string]bool{}}
	filled.tree("", root)
	refuseLater(root, r)
	adoptSpring(root, r)

	c := defaults()
	c.Profile, c.VariableFiles = profile, filled.files
	c.schema().decode(r, "", root)
	c.check(root, whole, r)
	if o.Check != nil {
		r.found(root, o.Check(c))
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	c.Warnings = o.warnings(c, root, filled.read)
	c.complete()
	if o.Address != "" {
		c.Server.Address = o.Address
	}
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Dir == "" {
		o.Dir = "configs"
	}
	if o.Files == nil {
		o.Files = os.DirFS(o.Dir)
	}
	if o.Env == nil {
		o.Env, o.Environ = os.LookupEnv, os.Environ
	}
	if o.Environ == nil {
		o.Environ = func() []string { return nil }
	}
	return o
}

// Folder returns the directory of the files.
func (o Options) Folder() string { return o.withDefaults().Dir }

// baseFile is the file that every profile shares.
const baseFile = "application.yml"

func profileFile(profile string) string { return "application-" + profile + ".yml" }

// tree returns the merged settings of both files, the profile, and whether nothing is
// missing of them: a file that there is not or that cannot be read, or a part of one.
// What there is can be looked at all the same.
func (o Options) tree(r *report) (root *node, profile string, whole bool) {
	base, whole := o.read(baseFile, r)
	if _, err := fs.Stat(o.Files, "."); err != nil {
		return base, "", false // there is no folder, as the report says
	}
	chosen, ok := o.profile(base, r)
	if chosen.name == "" {
		return base, "", whole && ok
	}
	over, ok := o.readProfile(chosen, r)
	if e := over.get("spring").entry("profiles"); e != nil {
		r.add(e.at, "spring.profiles", "", mistake{"cannot be set by a profile", "move it to " + baseFile})
		over.get("spring").drop("profiles")
	}
	return merge(base, over), chosen.name, whole && ok
}

// shown returns the name of a file of Dir as messages have it.
func (o Options) shown(name string) string { return filepath.Join(o.Dir, name) }

// lookalikes returns the files of Dir that are named as the one called name, but for
// the ending.
func (o Options) lookalikes(name string) (found []string) {
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	for _, ending := range []string{".yaml", ".properties"} {
		if _, err := fs.Stat(o.Files, stem+ending); err == nil {
			found = append(found, stem+ending)
		}
	}
	return found
}

// read returns the tree of a file of Dir, and whether nothing is missing of it.
func (o Options) read(name string, r *report) (_ *node, whole bool) {
	shown := o.shown(name)
	b, err := readBounded(o.Files, name, configBytesMax)
	if err != nil {
		at, m := position{file: shown}, o.unreadable(name, err)
		if errors.Is(err, syscall.ENOTDIR) {
			at.file, m = o.Dir, aFolderIsMeant(o.Dir)
		}
		r.add(at, "", "", m)
		r.caused(err)
		return &node{at: position{file: shown}}, false
	}
	return parse(shown, b, r)
}

// readProfile reads the file of a profile. That there is none is told where it was
// chosen.
func (o Options) readProfile(c chosen, r *report) (_ *node, whole bool) {
	name := profileFile(c.name)
	if _, err := fs.Stat(o.Files, name); !errors.Is(err, fs.ErrNotExist) {
		return o.read(name, r)
	}
	remedy := "create it, or choose " + o.profiles()
	if other := o.lookalikes(name); len(other) > 0 {
		remedy = rename(other[0], name)
	}
	r.add(c.at, c.key, quote(c.name), mistake{"has no file " + o.shown(name), remedy})
	return &node{}, false
}

func (o Options) unreadable(name string, err error) mistake {
	if !errors.Is(err, fs.ErrNotExist) {
		return mistake{problem: fmt.Sprintf("the file cannot be read: %v", cause(err))}
	}
	m := mistake{"the file does not exist", "create it, or name the directory that has it by --config"}
	if other := o.lookalikes(name); len(other) > 0 {
		m.remedy = rename(other[0], name)
	}
	return m
}

// rename says what to do with a file that is named as others want it.
func rename(from, to string) string {
	if strings.HasSuffix(from, ".yaml") {
		return "rename " + from + " to " + to
	}
	return "write what " + from + " says as YAML into " + to
}

// aFolderIsMeant says what to give for the folder in place of a file.
func aFolderIsMeant(file string) mistake {
	name := filepath.Base(file)
	remedy := "write --config " + filepath.Dir(file)
	if profile, is := strings.CutPrefix(strings.TrimSuffix(name, ".yml"), "application-"); is {
		remedy += " --profile " + profile
	} else if name != baseFile {
		remedy = "rename it to " + baseFile + ", and " + remedy
	}
	return mistake{"is a file, where a folder with " + baseFile + " is expected", remedy}
}

// cause takes the path off an error, which the message already has.
func cause(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// complete fills in what depends on several settings.
func (c *Config) complete() {
	for name, s := range c.Services {
		if _, ok := c.RateLimit.Models[name]; !ok && s.ShareLimitsWith == "" {
			c.RateLimit.Models[name] = c.RateLimit.Defaults
		}
	}
	if c.RateLimit.Store != StoreAuto {
		return
	}
	c.RateLimit.Store = StoreMemory
	if c.Redis != nil {
		c.RateLimit.Store = StoreRedis
	}
}
