package redistest

import "syscall"

// child has the kernel end the server with this process. A test that runs out of time ends
// without its clean-ups, and a server in an endless script would go on for ever.
func child() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
