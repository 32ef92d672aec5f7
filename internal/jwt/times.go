package jwt

import (
	"math"
	"strconv"
	"time"
)

// dateMax is the first second that a time can no longer be: the end of the year 9999.
const dateMax = 253402300800

// date reads a NumericDate (RFC 7519, section 2), which may have a fraction.
func date(v any) (t time.Time, ok bool) {
	text, is := v.(number)
	if !is {
		return t, false
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(seconds > 0 && seconds < dateMax) {
		return t, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), true
}

// expiry returns when a token ends, which it must say, without the leeway.
func expiry(claims object) (time.Time, bool) { return date(claims["exp"]) }

// checkTimes asks whether a token is good at a moment, and not good for too long.
func (i *Issuer) checkTimes(claims object, now time.Time) *Failure {
	end, ok := expiry(claims)
	switch {
	case !ok:
		return fails(CheckExpiry, "the JWT does not say when it expires (exp), as a number")
	case !now.Before(end.Add(i.Leeway)):
		return fails(CheckExpiry, "the JWT has expired")
	}
	began := now
	for _, name := range []string{"nbf", "iat"} {
		v, has := claims[name]
		if !has {
			continue
		}
		t, ok := date(v)
		switch {
		case !ok:
			return fails(CheckBegin, "the "+name+" of the JWT is no time")
		case t.After(now.Add(i.Leeway)):
			return fails(CheckBegin, "the JWT is not good yet, by its "+name)
		}
		began = t // iat, where there is one
	}
	if end.Sub(began) > i.MaxLifetime {
		return fails(CheckLifetime,
			"the JWT is good for longer than JWTs may be, "+i.MaxLifetime.String())
	}
	return nil
}
