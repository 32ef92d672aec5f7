package config

import (
	"io/fs"
	"regexp"
	"strings"
)

// profileProd is the profile in which nothing may be a mock.
const profileProd = "prod"

// profileForm keeps a profile's name from naming a file elsewhere.
var profileForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// profileVariables name the profile in the environment, the first that is not
// empty.
var profileVariables = []string{"PROFILE", "SPRING_PROFILES_ACTIVE"}

// profile returns the profile that is asked for, or "".
func (o Options) profile(base *node, r *report) string {
	name, at, key := o.Profile, position{file: o.Dir}, path("profile")
	for _, v := range profileVariables {
		if value, _ := o.Env(v); name == "" && value != "" {
			name, key = value, path(v)
		}
	}
	if active := base.find("spring", "profiles", "active"); name == "" && active.given() {
		key, at = "spring.profiles.active", active.at
		name = o.activeProfile(key, active, r)
	}
	if name == "" || profileForm.MatchString(name) {
		return name
	}
	r.add(at, key, quote(cut(name)), mistake{"is not the name of a profile", "choose one of " + o.profiles()})
	return ""
}

// activeProfile reads the profile from the file itself, before the rest of it
// has its variables filled in.
func (o Options) activeProfile(key path, n *node, r *report) string {
	if !expect(r, key, n, scalarKind) {
		return ""
	}
	name, m := (&interpolation{env: o.Env}).expand(n.text)
	if m != nil {
		r.add(n.at, key, "", *m)
	}
	return name
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
	return strings.Join(files, ", ")
}
