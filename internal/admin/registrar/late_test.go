package registrar_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// TestRevokedMeanwhile: whoever holds bodies back changes nothing with a key that has ended
// meanwhile.
func TestRevokedMeanwhile(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		id, secret := d.create(t, `{"name":"stolen","user":"mallory","roles":["admin"]}`)
		at, err := url.Parse(d.url)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", at.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		const body = `{"name":"back door","user":"mallory","roles":["admin"]}`
		fmt.Fprintf(c, "POST /api/v1/admin/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", secret, len(body))
		answers := bufio.NewReader(c)
		if line, err := answers.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("the key is not taken before its end: %q, %v", line, err)
		}
		if _, err := answers.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		d.ask(t, "DELETE", "/keys/"+id, "").want(t, "revoke", 200, "")
		fmt.Fprint(c, body)
		a, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		if a.StatusCode != http.StatusUnauthorized {
			t.Errorf("after its end the key is answered with %d", a.StatusCode)
		}
	})
}

// TestOnceOutlivesItsKey: a request that was carried out is answered as that, also when the key
// that it made has ended.
func TestOnceOutlivesItsKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		ends := time.Now().Add(time.Second)
		body := fmt.Sprintf(`{"name":"short","user":"eve","expires_at":%q}`, ends.UTC().Format(time.RFC3339Nano))
		first := d.ask(t, "POST", "/keys", body, "Idempotency-Key", "k").want(t, "first", 201, "")
		time.Sleep(time.Until(ends) + time.Millisecond)
		again := d.ask(t, "POST", "/keys", body, "Idempotency-Key", "k").want(t, "again", 201, "")
		if again.at("id") != first.at("id") || again.at("state") != "expired" {
			t.Errorf("again: %s", again.text)
		}
	})
}
