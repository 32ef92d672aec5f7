package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// mask stands for a secret.
const mask = "***"

// scalar is a single value. It is bound to a variable by the functions below.
type scalar struct {
	want   string                // "a whole number from 1 to 65535", for messages and the reference
	parse  func(string) *mistake // sets the variable, or says why not
	print  func() string         // the variable in YAML; "" leaves the key out
	show   func(string) string   // a value as messages may show it
	hidden func() string         // of a secret: the variable as it is; nil for others
}

func (s scalar) decode(r *report, key path, n *node) {
	if n.kind == emptyKind {
		r.add(n.at, key, "", mistake{"has no value", "write " + s.want + ", or remove the key"})
		return
	}
	if n.kind == mapKind || n.kind == listKind {
		r.add(n.at, key, "", mistake{fmt.Sprintf("is %s where %s is expected", n.kind, scalarKind), "write " + s.want + " behind the colon"})
	}
	if n.kind != scalarKind {
		return // or it is broken
	}
	m := s.parse(n.text)
	if m == nil {
		return
	}
	switch {
	case n.source != "" && strings.HasPrefix(n.text, "tcp://"):
		m.remedy = "Kubernetes sets this variable for a Service of that name: take another variable, or set enableServiceLinks: false for the pod"
	case m.remedy == "":
		m.remedy = "write " + s.want
	}
	r.add(n.at, key, s.show(n.text)+origin(n), *m)
}

func (s scalar) encode() *node {
	text := s.print()
	if text == "" {
		return nil
	}
	n := &node{kind: scalarKind, text: text}
	if s.hidden != nil {
		n.hidden = s.hidden()
	}
	return n
}

// variableUse finds the names of variables in a text. Their defaults are not
// shown: they may be secrets.
var variableUse = regexp.MustCompile(`\$\{[A-Za-z0-9_]+`)

// origin names the variables that a value comes from, for a message.
func origin(n *node) string {
	if n.source == "" {
		return ""
	}
	names := variableUse.FindAllString(cut(n.source), -1)
	return " (from " + strings.Join(names, "}, ") + "})"
}

// text binds a string that obeys every rule.
func text[T ~string](to *T, rules ...func(string) *mistake) scalar {
	return scalar{
		want: "some text",
		parse: func(s string) *mistake {
			for _, rule := range rules {
				if m := rule(s); m != nil {
					return m
				}
			}
			*to = T(s)
			return nil
		},
		print: func() string { return yamlText(string(*to)) },
		show:  shown,
	}
}

// wants says in the reference, and where a message has nothing better, what to
// write.
func (s scalar) wants(want string) scalar {
	s.want = want
	return s
}

// file binds the name of a file, which others look at: see Options.Check. What
// the file should hold may be a secret, and is not shown where it stands in place
// of the name.
func file(to *string) scalar {
	s := text(to, fileName, printable).wants("the name of a file")
	s.show = func(v string) string {
		if fileName(v) != nil {
			return mask
		}
		return shown(v)
	}
	return s
}

// secret binds a string that is never shown.
func secret(to *string) scalar { return masked(text(to, printable)) }

func masked(s scalar) scalar {
	s.show = func(string) string { return mask }
	plain := s.print
	s.print = func() string {
		if plain() == `""` {
			return `""`
		}
		return quote(mask)
	}
	s.hidden = plain
	return s
}

// choice binds one of a few words.
func choice[T ~string](to *T, words ...T) scalar {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return scalar{
		want: either(list),
		parse: func(s string) *mistake {
			for _, w := range words {
				if string(w) == s {
					*to = w
					return nil
				}
			}
			m := &mistake{problem: "is not a choice", remedy: "write " + either(list)}
			if near := similar(s, list); near != "" && len(list) > 1 {
				m.remedy += "; did you mean " + near + "?"
			}
			return m
		},
		print: func() string { return yamlText(string(*to)) },
		show:  shown,
	}
}

// either joins words as in "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func boolean(to *bool) scalar {
	return scalar{
		want: "true or false",
		parse: func(s string) *mistake {
			if s != "true" && s != "false" {
				return &mistake{problem: "is not a choice"}
			}
			*to = s == "true"
			return nil
		},
		print: func() string { return strconv.FormatBool(*to) },
		show:  shown,
	}
}

// integer binds a whole decimal number within bounds. Other notations are
// refused: YAML readers disagree about 010 and 1_000.
func integer(to *int64, least, most int64) scalar {
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	if most == limit.MaximumMax {
		want = fmt.Sprintf("a whole number from %d up", least)
	}
	return scalar{
		want: want,
		parse: func(s string) *mistake {
			n, err := strconv.ParseInt(s, 10, 64)
			switch {
			case errors.Is(err, strconv.ErrRange):
				return &mistake{"is out of range", fmt.Sprintf("write a whole number from %d to %d", least, most)}
			case err != nil || strconv.FormatInt(n, 10) != s:
				return &mistake{problem: "is not a whole number"}
			case n < least || n > most:
				return &mistake{"is out of range", fmt.Sprintf("write a whole number from %d to %d", least, most)}
			}
			*to = n
			return nil
		},
		print: func() string { return strconv.FormatInt(*to, 10) },
		show:  number,
	}
}

// known leaves the key of an integer out while it is 0.
func known(s scalar) scalar {
	plain := s.print
	s.print = func() string {
		if text := plain(); text != "0" {
			return text
		}
		return ""
	}
	return s
}

// fraction binds a decimal number within bounds.
func fraction(to *float64, least, most float64) scalar {
	return scalar{
		want: fmt.Sprintf("a number from %v to %v", least, most),
		parse: func(s string) *mistake {
			f, err := strconv.ParseFloat(s, 64)
			switch {
			case err != nil || math.IsNaN(f) || strings.ContainsAny(s, "xX_"):
				return &mistake{problem: "is not a number"}
			case f < least || f > most:
				return &mistake{problem: "is out of range"}
			}
			*to = f
			return nil
		},
		print: func() string { return strconv.FormatFloat(*to, 'f', -1, 64) },
		show:  number,
	}
}

// duration binds a length of time with a unit.
func duration(to *time.Duration, least time.Duration) scalar {
	return scalar{
		want: "a duration such as 50ms, 30s, 5m or 1h30m",
		parse: func(s string) *mistake {
			d, err := time.ParseDuration(s)
			switch _, bare := strconv.ParseFloat(s, 64); {
			case bare == nil && s != "0":
				return &mistake{"has no unit", fmt.Sprintf("write %[1]sms for milliseconds, or %[1]ss for seconds", s)}
			case err != nil:
				return &mistake{problem: "is not a duration"}
			case d < least:
				return &mistake{"is too short", "write at least " + least.String()}
			}
			*to = d
			return nil
		},
		print: func() string { return to.String() },
		show:  shown,
	}
}

// number shows a number as it is and anything else in quotes.
func number(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return cut(s)
	}
	return shown(s)
}

// shown is a value in quotes, shortened.
func shown(s string) string { return quote(cut(s)) }

// maximum is a maximum among limits, absent until it is given.
type maximum struct {
	to     *[]limit.Limit
	meter  limit.Meter
	window limit.Window
}

func (m maximum) decode(r *report, key path, n *node) { m.scalar().decode(r, key, n) }
func (m maximum) encode() *node                       { return m.scalar().encode() }

func (m maximum) scalar() scalar {
	return most(func(n int64) {
		*m.to = append(*m.to, limit.Limit{Meter: m.meter, Window: m.window, Max: n})
	}, func() (int64, bool) {
		i := slices.IndexFunc(*m.to, func(l limit.Limit) bool { return l.Meter == m.meter && l.Window == m.window })
		if i < 0 {
			return 0, false
		}
		return (*m.to)[i].Max, true
	})
}

// running is the maximum of running requests, absent until it is given.
type running struct{ to **int64 }

func (m running) decode(r *report, key path, n *node) { m.scalar().decode(r, key, n) }
func (m running) encode() *node                       { return m.scalar().encode() }

func (m running) scalar() scalar {
	return most(func(n int64) { *m.to = &n }, func() (int64, bool) {
		if *m.to == nil {
			return 0, false
		}
		return **m.to, true
	})
}

// most binds a maximum, of which 0 blocks.
func most(set func(int64), get func() (int64, bool)) scalar {
	var n int64
	s := integer(&n, 0, limit.MaximumMax)
	parse := s.parse
	s.parse = func(text string) *mistake {
		if x := parse(text); x != nil {
			if strings.HasPrefix(text, "-") {
				return &mistake{"is negative", "write 0 to block, or remove the key for no limit"}
			}
			return x
		}
		set(n)
		return nil
	}
	s.print = func() string {
		if n, ok := get(); ok {
			return strconv.FormatInt(n, 10)
		}
		return ""
	}
	return s
}
