package telemetry

import (
	"log/slog"
	"strings"
	"testing"
)

func TestUsersAreHashed(t *testing.T) {
	var b strings.Builder
	NewLogger(&b, LogOptions{HashUsers: true}).Info("request", UserKey, "alice", ClientKey, "192.0.2.1", "model", "alice")
	if got := b.String(); strings.Count(got, "alice") != 1 || strings.Contains(got, "192.0.2.1") || strings.Contains(got, ClientKey) || !strings.Contains(got, `"user":"sha256:2bd806c97f0e00af"`) {
		t.Errorf("the line is %s", got)
	}
}

func TestLevels(t *testing.T) {
	var b strings.Builder
	l := NewLogger(&b, LogOptions{Level: slog.LevelWarn, Text: true})
	l.Info("quiet")
	l.Warn("loud")
	if got := b.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "msg=loud") {
		t.Errorf("the lines are %s", got)
	}
}
