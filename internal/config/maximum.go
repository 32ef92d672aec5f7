package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// tokens binds a number that is bounded by what can be counted only.
func tokens(to *int64, least int64) binding.Scalar {
	return binding.Integer(to, least, limit.MaximumMax).Wants(fmt.Sprintf("a whole number from %d up", least))
}

// maximum binds a maximum among limits, absent until it is given.
func maximum(to *[]limit.Limit, m limit.Meter, w limit.Window) binding.Scalar {
	return most(func(n int64) {
		*to = append(*to, limit.Limit{Meter: m, Window: w, Max: n})
	}, func() (int64, bool) {
		i := slices.IndexFunc(*to, func(l limit.Limit) bool { return l.Meter == m && l.Window == w })
		if i < 0 {
			return 0, false
		}
		return (*to)[i].Max, true
	})
}

// running binds the maximum of running requests, absent until it is given.
func running(to **int64) binding.Scalar {
	return most(func(n int64) { *to = &n }, func() (int64, bool) {
		if *to == nil {
			return 0, false
		}
		return **to, true
	})
}

// most binds a maximum, of which 0 blocks.
func most(set func(int64), get func() (int64, bool)) binding.Scalar {
	var n int64
	s := tokens(&n, 0)
	parse := s.Parse
	s.Parse = func(text string) *binding.Mistake {
		m := parse(text)
		switch {
		case m == nil:
			set(n)
		case strings.HasPrefix(text, "-"):
			return binding.Wrong("is negative", "write 0 to block, or remove the key for no limit")
		}
		return m
	}
	s.Print = func() string {
		if n, ok := get(); ok {
			return strconv.FormatInt(n, 10)
		}
		return ""
	}
	return s
}
