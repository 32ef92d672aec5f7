package limit

// UserView is where one user of a model stands.
type UserView struct {
	User string
	View View
}

// UserPage is some of the users of a model.
type UserPage struct {
	Users []UserView // in no order that means anything
	// Next is what "after" is for those that follow; "": these are the last.
	Next string
}

// UsersMax is the most users that one call of Store.Users is asked for.
const UsersMax = 1000

// IsIdle reports whether nothing of the user counts any more under the policy of the view, and
// none of the user's requests runs.
func (v *View) IsIdle() bool {
	for i := range v.Windows {
		if w := &v.Windows[i]; w.Rule.Scope == UserScope && w.Used+w.Reserved != 0 {
			return false
		}
	}
	for _, g := range v.Gauges {
		if g.Scope == UserScope && g.Running != 0 {
			return false
		}
	}
	return true
}
