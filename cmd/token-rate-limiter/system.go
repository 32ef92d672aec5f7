package main

// What the program takes from its surroundings elsewhere, and that an image made of nothing
// but the program lacks: the authorities that sign certificates, and the time zones. What
// the system has comes first, SSL_CERT_FILE and mounted files included.
import (
	_ "time/tzdata"

	_ "golang.org/x/crypto/x509roots/fallback"
)
