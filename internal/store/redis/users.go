package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// viewsAtOnce is how many users are looked at in one round trip: each is a script of its
// own, so that requests come between them.
const viewsAtOnce = 64

// Users implements limit.Store. The list is a hash that the scripts keep: see list in
// charge.lua. Pages are those of HSCAN, which tells whatever is in it all the time.
func (s *Store) Users(ctx context.Context, p *limit.Policy, after string, about int,
) (page limit.UserPage, err error) {
	cursor := uint64(0)
	if after != "" {
		cursor, err = strconv.ParseUint(after, 10, 64)
		if err != nil || cursor == 0 || strconv.FormatUint(cursor, 10) != after {
			return page, fmt.Errorf("redis: %w", limit.ErrPage)
		}
	}
	if err := s.ready(); err != nil {
		return page, err
	}
	m := s.use(p.Model())
	defer m.leave()
	names, cursor, err := s.listed(ctx, m, cursor, min(max(about, 1), limit.UsersMax))
	if err != nil {
		return page, err
	}
	if cursor != 0 {
		page.Next = strconv.FormatUint(cursor, 10)
	}
	for some := range slices.Chunk(names, viewsAtOnce) {
		if page.Users, err = s.viewAll(ctx, m, p, some, page.Users); err != nil {
			return limit.UserPage{}, err
		}
	}
	return page, nil
}

// listed returns about so many of the users in the list of m, from a cursor on, and the cursor
// to go on with; 0: there are no more.
func (s *Store) listed(ctx context.Context, m *model, cursor uint64, about int,
) (names []string, next uint64, err error) {
	limited, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	c := s.client.Load()
	scan := c.B().Hscan().Key(m.listed).Cursor(cursor).Count(int64(about)).Build()
	found, err := c.Do(limited, scan).AsScanEntry()
	if err != nil {
		return nil, 0, s.failed(operationUsers, err)
	}
	for i := 0; i+1 < len(found.Elements); i += 2 { // with their values
		names = append(names, found.Elements[i])
	}
	return names, found.Cursor, nil
}

// viewAll appends to all where users stand under p, in one round trip. Those of whom nothing
// counts are left out.
func (s *Store) viewAll(ctx context.Context, m *model, p *limit.Policy, users []string,
	all []limit.UserView,
) ([]limit.UserView, error) {
	g, views := m.program(p), make([]request, len(users))
	for i, user := range users {
		args := []string{number(s.pending.skip()), m.self(s), g.userRings, g.modelRings}
		views[i] = request{script: s.scripts.view, keys: m.keys(m.user(user)), args: args}
	}
	for i, a := range s.callAll(ctx, batchTimeout, views) {
		if a.err != nil {
			return nil, a.err
		}
		if v := readView(p, a.values); !v.IsIdle() {
			all = append(all, limit.UserView{User: users[i], View: v})
		}
	}
	return all, nil
}
