package main

// What an image made of nothing but the program lacks: the authorities that sign certificates, and
// the time zones. Those of the system come first, SSL_CERT_FILE included.
import (
	_ "time/tzdata"

	_ "golang.org/x/crypto/x509roots/fallback"
)
