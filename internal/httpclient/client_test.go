package httpclient

import (
	"errors"
	"io"
	"net/url"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	for _, address := range []string{
		"", "host:8000", "ftp://host", "http://", "http://:8000", "http:///path",
		"http://user:secret@host", "http://host?x=1", "http://host/#x", "http://h\u00f6st:8000",
	} {
		u, err := url.Parse(address)
		if err != nil {
			u = &url.URL{Host: address}
		}
		if _, err := New(Options{URL: u}); err == nil {
			t.Errorf("%q was accepted", address)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no URL was accepted")
	}
	if _, err := New(Options{URL: &url.URL{Scheme: "http", Host: "h"}, APIKey: "a\r\nX: y"}); err == nil {
		t.Error("a key with a line break was accepted")
	}
}

func TestAddress(t *testing.T) {
	for address, want := range map[string]string{
		"http://host":           "host:80",
		"https://host/base":     "host:443",
		"http://10.0.0.1:8000/": "10.0.0.1:8000",
		"http://[::1]:8000":     "[::1]:8000",
		"https://[fd00::1]":     "[fd00::1]:443",
	} {
		if got := connect(t, address).Address(); got != want {
			t.Errorf("%s: address %s, want %s", address, got, want)
		}
	}
}

func TestClose(t *testing.T) {
	l := listen(t, answer(ok))
	s := connect(t, l.url())
	exchange(t, s, post("{}"))
	running, err := s.Do(t.Context(), post("{}"))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
	if e := fails(t, t.Context(), s, post("{}")); e.Kind != Refused || e.Sent || !errors.Is(e, ErrClosed) {
		t.Errorf("error %v after Close", e)
	}
	if body, err := io.ReadAll(running.Body); string(body) != "ok" || err != nil {
		t.Errorf("a running exchange ended with %q, %v", body, err)
	}
	if n := s.Idle(); n != 0 {
		t.Errorf("%d idle connections after Close", n)
	}
}
