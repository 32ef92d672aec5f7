package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func never(context.Context) error { return errors.New("not yet") }

func always(context.Context) error { return nil }

func TestStartChildThatEnds(t *testing.T) {
	_, err := startChild(t.Context(), t.TempDir(), "boom", "", never, "sh", "-c", "echo no such limit >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "no such limit") {
		t.Errorf("error %v, want one that quotes the output", err)
	}
}

func TestStartChildGivesUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := startChild(ctx, t.TempDir(), "slow", "", never, "sleep", "60")
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not yet") {
		t.Errorf("error %v, want the deadline and what ready said", err)
	}
}

func TestStartChildMissingProgram(t *testing.T) {
	if _, err := startChild(t.Context(), t.TempDir(), "none", "", always, "/no/such/program"); err == nil {
		t.Error("no error for a program that does not exist")
	}
}

func TestStopTwice(t *testing.T) {
	c, err := startChild(t.Context(), t.TempDir(), "sleep", "", always, "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	c.Stop()
	c.Stop()
	if _, err := residentBytes(c.PID()); err == nil {
		t.Error("the process is still there")
	}
}

func TestChildrenChooseNoProfile(t *testing.T) {
	t.Setenv("PROFILE", "dev")
	t.Setenv("SPRING_PROFILES_ACTIVE", "dev")
	c, err := startChild(t.Context(), t.TempDir(), "env", "", always, "sh", "-c", "env; exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	c.Stop()
	if out := c.lastOutput(); strings.Contains(out, "PROFILE") {
		t.Errorf("the child inherits a profile:\n%s", out)
	}
}
