package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	// Env looks up an environment variable; nil is os.LookupEnv.
	Env func(string) (string, bool)
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
// Errors and lists every mistake, and files that could not be read with the system's error. Load changes nothing and may be called again
// and concurrently, as far as Options.Check may.
func Load(o Options) (*Config, error) {
	o = o.withDefaults()
	r := &report{}
	root, profile := o.tree(r)
	if err := r.err(); err != nil {
		return nil, err
	}
	interpolation := &interpolation{env: o.Env, report: r}
	interpolation.tree("", root)
	refuseLater(root, r)
	adoptSpring(root, r)

	c := defaults()
	c.Profile = profile
	c.schema().decode(r, "", root)
	c.check(root, r)
	if o.Check != nil {
		r.found(root, o.Check(c))
	}
	if err := r.err(); err != nil {
		return nil, err
	}
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
		o.Env = os.LookupEnv
	}
	return o
}

// Folder returns the directory of the files.
func (o Options) Folder() string { return o.withDefaults().Dir }

// baseFile is the file that every profile shares.
const baseFile = "application.yml"

func profileFile(profile string) string { return "application-" + profile + ".yml" }

// tree returns the merged settings of both files and the profile.
func (o Options) tree(r *report) (root *node, profile string) {
	base := o.read(baseFile, r)
	profile = o.profile(base, r)
	if profile == "" {
		return base, profile
	}
	over := o.read(profileFile(profile), r)
	if e := over.get("spring").entry("profiles"); e != nil {
		r.add(e.at, "spring.profiles", "", mistake{"cannot be set by a profile", "move it to " + baseFile})
	}
	return merge(base, over), profile
}

// read returns the tree of a file of Dir.
func (o Options) read(name string, r *report) *node {
	shown := filepath.Join(o.Dir, name)
	b, err := readBounded(o.Files, name)
	if err != nil {
		r.add(position{file: shown}, "", "", o.unreadable(name, err))
		r.caused(err)
		return &node{}
	}
	return parse(shown, b, r)
}

func (o Options) unreadable(name string, err error) mistake {
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return mistake{problem: fmt.Sprintf("the file cannot be read: %v", cause(err))}
	case name == baseFile:
		return mistake{"the file does not exist", "create it, or name the directory that has it by --config"}
	}
	return mistake{"the file of the profile does not exist", "create it, or choose " + o.profiles()}
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
