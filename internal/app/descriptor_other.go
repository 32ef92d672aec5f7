//go:build !unix

package app

// raiseDescriptorLimit returns 0: nothing is known of file descriptors.
func raiseDescriptorLimit() uint64 { return 0 }
