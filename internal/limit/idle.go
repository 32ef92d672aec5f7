package limit

// Empties returns the store's time at which nothing that the account has charged
// counts any more, if nothing more is charged; 0 where nothing counts as it stands.
// What has left the windows since the account was last advanced may still be in it:
// then the time has passed. Charges move it on, only refunds bring it nearer.
func (a *Account) Empties() Instant {
	var at Instant
	shapes := a.layout.rings
	rings := a.rings[:len(shapes)]
	for i := range shapes {
		switch r, shape := &rings[i], &shapes[i]; {
		case r.sum == 0:
		case r.current == 0:
			at = max(at, shape.leaves(a.newest(i)))
		default:
			at = max(at, shape.leaves(r.head))
		}
	}
	if at == 0 {
		return 0
	}
	return at - a.skew
}
