package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/file"
)

// Options says where the configuration comes from.
type Options struct {
	// Dir holds application.yml and application-<profile>.yml; "" is configs.
	Dir string
	// Profile names the file to lay over application.yml. When it is "", the first of these that is
	// set counts: the variables PROFILE and SPRING_PROFILES_ACTIVE, and spring.profiles.active in
	// application.yml. When none is, nothing is laid over.
	Profile string
	Address string // takes the place of server.address; "" does not
	// Env looks up an environment variable, and Environ lists all as os.Environ does, for
	// warnings; where Env is nil, they are the process's.
	Env     func(string) (string, bool)
	Environ func() []string
	Files   fs.FS // holds the content of Dir; nil is the operating system's
	// Check returns what is wrong with what settings name, such as files, to be reported with the
	// other mistakes. The Config may have mistakes, and lack settings. nil finds nothing.
	Check func(*Config) []Finding
}

// Finding is a mistake in the value of a setting that is not secret.
type Finding = binding.Finding

// Error is one mistake in the configuration.
type Error = binding.Error

// Errors is every mistake, or every warning, that Load found, in the order of the files' lines.
type Errors = binding.Errors

// Load reads, merges and validates the configuration. The error is of type Errors and lists every
// mistake, and files that could not be read with the system's error. Load changes nothing and may
// be called again and concurrently, as far as Options.Check may.
func Load(o Options) (*Config, error) {
	o = o.withDefaults()
	r := &binding.Report{Advice: remedies}
	root, profile, whole := o.tree(r)
	filled := o.interpolation(r)
	filled.Fill(root)
	refusePlanned(root, r)
	adoptSpring(root, r)

	c := defaults()
	c.Profile, c.VariableFiles = profile, filled.Files
	c.schema().Decode(r, root)
	c.check(root, whole, r)
	if o.Check != nil {
		r.AddFindings(root, o.Check(c))
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	c.Warnings = o.warnings(c, root, filled.Asked)
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

// remedies are what messages about files say of this product.
var remedies = binding.Advice{
	Keys:       "write keys such as server: and vllm:",
	Documents:  "keep one document in a file; profiles have files of their own",
	ManyKeys:   "serve fewer models in one gateway",
	Unreadable: "let it be read by the user that the gateway runs as, or unset the variable",
}

// interpolation fills variables in from the environment, and from the files that it names.
func (o Options) interpolation(r *binding.Report) *binding.Interpolation {
	readFile := func(name string) ([]byte, error) {
		b, err := file.ReadIn(file.System{}, name, file.BytesMax)
		return b, cause(err)
	}
	return &binding.Interpolation{Env: o.Env, ReadFile: readFile, Report: r}
}

// Folder returns the directory of the files.
func (o Options) Folder() string { return o.withDefaults().Dir }

// baseFile is the file that every profile shares.
const baseFile = "application.yml"

func profileFile(profile string) string { return "application-" + profile + ".yml" }

// tree returns the merged settings of both files, the profile, and whether nothing of them is
// missing. What there is can be looked at all the same.
func (o Options) tree(r *binding.Report) (root *binding.Node, profile string, whole bool) {
	base, whole := o.read(baseFile, r)
	if _, err := fs.Stat(o.Files, "."); err != nil {
		return base, "", false // there is no folder, as the report says
	}
	chosen, ok := o.profile(base, r)
	if chosen.name == "" {
		return base, "", whole && ok
	}
	over, ok := o.readProfile(chosen, r)
	if e := over.Get("spring").Entry("profiles"); e != nil {
		r.AddKey(e, "", "cannot be set by a profile", "move it to "+baseFile)
		over.Get("spring").Drop("profiles")
	}
	return binding.Merge(base, over), chosen.name, whole && ok
}

// shown returns the name of a file of Dir as messages have it.
func (o Options) shown(name string) string { return filepath.Join(o.Dir, name) }

// lookalikes returns the files of Dir that are named as the one called name, but for the ending.
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
func (o Options) read(name string, r *binding.Report) (_ *binding.Node, whole bool) {
	shown := o.shown(name)
	b, err := file.ReadIn(o.Files, name, binding.BytesMax)
	if err != nil {
		o.unreadable(name, err, r)
		r.Caused(err)
		return &binding.Node{At: binding.Position{File: shown}}, false
	}
	return binding.Parse(shown, b, r)
}

// readProfile reads the file of a profile. That there is none is told where it was chosen.
func (o Options) readProfile(c chosen, r *binding.Report) (_ *binding.Node, whole bool) {
	name := profileFile(c.name)
	if _, err := fs.Stat(o.Files, name); !errors.Is(err, fs.ErrNotExist) {
		return o.read(name, r)
	}
	r.Add(c.at, c.key, binding.Quote(c.name), "has no file "+o.shown(name),
		o.rename(name, "create it, or choose "+o.profiles()))
	return &binding.Node{}, false
}

// unreadable reports why a file of Dir cannot be read.
func (o Options) unreadable(name string, err error, r *binding.Report) {
	at := binding.Position{File: o.shown(name)}
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		r.Add(binding.Position{File: o.Dir}, "", "",
			"is a file, where a folder with "+baseFile+" is expected", folderRemedy(o.Dir))
	case errors.Is(err, fs.ErrNotExist):
		r.Add(at, "", "", "the file does not exist",
			o.rename(name, "create it, or name the directory that has it by --config"))
	default:
		r.Add(at, "", "", fmt.Sprintf("the file cannot be read: %v", cause(err)), "")
	}
}

// rename says what to do with a file that is named as others want it; without one it returns other.
func (o Options) rename(name, other string) string {
	found := o.lookalikes(name)
	switch {
	case len(found) == 0:
		return other
	case strings.HasSuffix(found[0], ".yaml"):
		return "rename " + found[0] + " to " + name
	}
	return "write what " + found[0] + " says as YAML into " + name
}

// folderRemedy says what to give for the folder in place of a file.
func folderRemedy(path string) string {
	name := filepath.Base(path)
	remedy := "write --config " + filepath.Dir(path)
	if profile, is := strings.CutPrefix(strings.TrimSuffix(name, ".yml"), "application-"); is {
		remedy += " --profile " + profile
	} else if name != baseFile {
		remedy = "rename it to " + baseFile + ", and " + remedy
	}
	return remedy
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
