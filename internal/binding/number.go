package binding

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Boolean binds true or false.
func Boolean(to *bool) Scalar {
	return Scalar{
		Want: "true or false",
		Parse: func(s string) *Mistake {
			if s != "true" && s != "false" {
				return Wrong("is not a choice", "")
			}
			*to = s == "true"
			return nil
		},
		Print: func() string { return strconv.FormatBool(*to) },
		Show:  Shown,
	}
}

// Integer binds a whole decimal number within bounds. Other notations are
// refused: YAML readers disagree about 010 and 1_000.
func Integer(to *int64, least, most int64) Scalar {
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	return Scalar{
		Want: want,
		Parse: func(s string) *Mistake {
			n, err := strconv.ParseInt(s, 10, 64)
			switch outside := errors.Is(err, strconv.ErrRange); {
			case !outside && (err != nil || strconv.FormatInt(n, 10) != s):
				return Wrong("is not a whole number", "")
			case outside || n < least || n > most:
				return Wrong("is out of range", "write "+want)
			}
			*to = n
			return nil
		},
		Print: func() string { return strconv.FormatInt(*to, 10) },
		Show:  shownNumber,
	}
}

// OmitZero leaves the key of a number out while it is 0.
func OmitZero(s Scalar) Scalar {
	plain := s.Print
	s.Print = func() string {
		if text := plain(); text != "0" {
			return text
		}
		return ""
	}
	return s
}

// Fraction binds a decimal number within bounds.
func Fraction(to *float64, least, most float64) Scalar {
	return Scalar{
		Want: fmt.Sprintf("a number from %v to %v", least, most),
		Parse: func(s string) *Mistake {
			f, err := strconv.ParseFloat(s, 64)
			switch {
			case err != nil || math.IsNaN(f) || strings.ContainsAny(s, "xX_"):
				return Wrong("is not a number", "")
			case f < least || f > most:
				return Wrong("is out of range", "")
			}
			*to = f
			return nil
		},
		Print: func() string { return strconv.FormatFloat(*to, 'f', -1, 64) },
		Show:  shownNumber,
	}
}

// Duration binds a length of time with a unit.
func Duration(to *time.Duration, least time.Duration) Scalar {
	return Scalar{
		Want: "a duration such as 50ms, 30s, 5m or 1h30m",
		Parse: func(s string) *Mistake {
			d, err := time.ParseDuration(s)
			switch _, bare := strconv.ParseFloat(s, 64); {
			case bare == nil && s != "0":
				return Wrong("has no unit", "write "+s+"ms for milliseconds, or "+s+"s for seconds")
			case err != nil:
				return Wrong("is not a duration", "")
			case d < least:
				return Wrong("is too short", "write at least "+least.String())
			}
			*to = d
			return nil
		},
		Print: func() string { return to.String() },
		Show:  Shown,
	}
}

// shownNumber shows a number as it is and anything else in quotes.
func shownNumber(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return Shortened(s)
	}
	return Shown(s)
}
