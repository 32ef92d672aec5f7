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
	return bound(to, "true or false", func(s string) (bool, *Mistake) {
		if s != "true" && s != "false" {
			return false, Wrong("is not a choice", "")
		}
		return s == "true", nil
	})
}

// Integer binds a whole decimal number within bounds. Other notations are
// refused: YAML readers disagree about 010 and 1_000.
func Integer(to *int64, least, most int64) Scalar {
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	s := bound(to, want, func(s string) (int64, *Mistake) {
		n, err := strconv.ParseInt(s, 10, 64)
		outside := errors.Is(err, strconv.ErrRange)
		switch {
		case !outside && (err != nil || strconv.FormatInt(n, 10) != s):
			return 0, Wrong("is not a whole number", "")
		case outside || n < least || n > most:
			return 0, Wrong("is out of range", "write "+want)
		}
		return n, nil
	})
	s.Show = shownNumber
	return s
}

// OmitZero leaves the key of an integer out while it is 0.
func OmitZero(s Scalar) Scalar {
	value := s.Value
	s.Value = func() any {
		if v := value(); v != int64(0) {
			return v
		}
		return nil
	}
	return s
}

// Fraction binds a decimal number within bounds.
func Fraction(to *float64, least, most float64) Scalar {
	want := fmt.Sprintf("a number from %v to %v", least, most)
	s := bound(to, want, func(s string) (float64, *Mistake) {
		f, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil || math.IsNaN(f) || strings.ContainsAny(s, "xX_"):
			return 0, Wrong("is not a number", "")
		case f < least || f > most:
			return 0, Wrong("is out of range", "")
		}
		return f, nil
	})
	s.Show = shownNumber
	return s
}

// shownNumber shows a number as it is and anything else in quotes.
func shownNumber(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return Shortened(s)
	}
	return Shown(s)
}

// Duration binds a length of time with a unit.
func Duration(to *time.Duration, least time.Duration) Scalar {
	const want = "a duration such as 50ms, 30s, 5m or 1h30m"
	return bound(to, want, func(s string) (time.Duration, *Mistake) {
		d, err := time.ParseDuration(s)
		switch _, bare := strconv.ParseFloat(s, 64); {
		case bare == nil && s != "0":
			return 0, Wrong("has no unit", "write "+s+"ms for milliseconds, or "+s+"s for seconds")
		case err != nil:
			return 0, Wrong("is not a duration", "")
		case d < least:
			return 0, Wrong("is too short", "write at least "+least.String())
		}
		return d, nil
	})
}
