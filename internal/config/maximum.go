package config

import (
	"fmt"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// tokens binds a number that is bounded by what can be counted only.
func tokens(to *int64, least int64) binding.Scalar {
	want := fmt.Sprintf("a whole number from %d up", least)
	return binding.Integer(to, least, limit.MaximumMax).Wants(want)
}

// maximum binds a maximum among limits, absent until it is given.
func maximum(to *[]limit.Limit, m limit.Meter, w limit.Window) binding.Scalar {
	return most(func(n int64) {
		*to = append(*to, limit.Limit{Meter: m, Window: w, Max: n})
	}, func() any {
		for _, l := range *to {
			if l.Meter == m && l.Window == w {
				return l.Max
			}
		}
		return nil
	})
}

// running binds the maximum of running requests, absent until it is given.
func running(to **int64) binding.Scalar {
	return most(func(n int64) { *to = &n }, func() any {
		if *to == nil {
			return nil
		}
		return **to
	})
}

// most binds a maximum, of which 0 blocks.
func most(set func(int64), value func() any) binding.Scalar {
	var n int64
	s := tokens(&n, 0)
	parse := s.Parse
	s.Value = value
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
	return s
}
