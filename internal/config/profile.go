package config

import (
	"io/fs"
	"regexp"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
)

// profileProd is the profile in which nothing may be a mock.
const profileProd = "prod"

// profileForm keeps a profile's name from naming a file elsewhere.
var profileForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// profileVariables name the profile in the environment, the first that is not empty.
var profileVariables = []string{"PROFILE", "SPRING_PROFILES_ACTIVE"}

// chosen is a profile and who has chosen it.
type chosen struct {
	name string // "": none
	at   binding.Position
	key  binding.Path
}

// profile returns the profile that is asked for, and whether it can be told.
func (o Options) profile(base *binding.Node, r *binding.Report) (c chosen, ok bool) {
	c = chosen{o.Profile, binding.Position{File: o.Dir}, "--profile"}
	for _, v := range profileVariables {
		if value, _ := o.Env(v); c.name == "" && value != "" {
			c.name, c.key = value, binding.Path(v)
		}
	}
	if active := base.Find("spring", "profiles", "active"); c.name == "" && active.Given() {
		c.key, c.at = active.Path, active.At
		if c.name, ok = o.activeProfile(active, r); !ok {
			return chosen{}, false
		}
	}
	if c.name == "" || profileForm.MatchString(c.name) {
		return c, true
	}
	problem, remedy := "is not the name of a profile", "choose "+o.profiles()
	if strings.Contains(c.name, ",") {
		problem = "is more than one profile"
		remedy += "; what several share belongs into " + baseFile
	}
	r.Add(c.at, c.key, binding.Shown(c.name), problem, remedy)
	return chosen{}, false
}

// activeProfile reads the profile from the file, before variables are filled into the rest.
func (o Options) activeProfile(n *binding.Node, r *binding.Report) (name string, ok bool) {
	if n.Kind == binding.ListKind {
		r.AddAt(n, "", "is a list, and one profile is laid over",
			"write the name of one; what several share belongs into "+baseFile)
		return "", false
	}
	if !r.Expect(n, binding.ScalarKind) {
		return "", false
	}
	name, m := o.interpolation(r).Expand(n.Text)
	if m != nil {
		r.AddAt(n, "", m.Problem, m.Remedy)
	}
	return name, m == nil
}

// profiles lists the profiles that have a file, for a message.
func (o Options) profiles() string {
	files, err := fs.Glob(o.Files, profileFile("*"))
	if err != nil || len(files) == 0 {
		return "none: there is no file " + profileFile("NAME") + " beside " + baseFile
	}
	prefix, suffix, _ := strings.Cut(profileFile("*"), "*")
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, prefix), suffix)
	}
	if len(files) == 1 {
		return files[0]
	}
	return "one of " + strings.Join(files, ", ")
}
