package registry

import "time"

// Moment returns a time as it is kept: microseconds since 1970, 0 for the zero time.
func Moment(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// TimeOf returns the time that is kept as m, in UTC; the zero time for 0.
func TimeOf(m int64) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(m).UTC()
}
