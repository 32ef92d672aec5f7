//go:build race

package hostile_test

func init() { floodAccounts = 100 }
