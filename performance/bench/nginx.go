package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// One process that is both master and worker, so that its CPU time is all of
// nginx's. %[1]s: directory; %[2]s: address; %[3]s: upstream; %[4]s: buffering.
const nginxConfig = `daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log stderr warn;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  keepalive_requests 100000000;
  upstream model {
    server %[3]s;
    keepalive 512;
    keepalive_requests 100000000;
  }
  server {
    listen %[2]s;
    location / {
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering %[4]s;
    }
  }
}
`

const nginxMissing = "nginx not installed"

// startNginx starts nginx as a keep-alive proxy, with "on" or "off" for
// proxy_buffering. Where it is not installed, it returns nil and no error.
func (b *bench) startNginx(ctx context.Context, name, upstream, buffering string) (*Child, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, nil
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	directory := filepath.Join(b.directory, name)
	if err := os.Mkdir(directory, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(directory, "nginx.conf")
	config := fmt.Sprintf(nginxConfig, directory, address, upstream, buffering)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	return b.start(ctx, name, address, accepts(address), program, "-p", directory, "-e", "stderr", "-c", file)
}
