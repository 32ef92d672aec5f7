package limit

// Empties returns the store's time at which nothing that the account has charged
// counts any more, if nothing more is charged; 0 where nothing counts as it stands.
// What has left the windows since the account was last advanced may still be in it:
// then the time has passed. Charges move it on, only refunds bring it nearer.
func (a *Account) Empties() Instant {
	var at Instant
	for i := range a.rings {
		r := &a.rings[i]
		if r.sum == 0 {
			continue
		}
		newest := r.head
		if r.current == 0 {
			newest = a.newest(i)
		}
		at = max(at, a.layout.rings[i].leaves(newest))
	}
	if at == 0 {
		return 0
	}
	return at - a.skew
}
