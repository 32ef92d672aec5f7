package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const redisMissing = "redis-server not installed"

// startRedis starts a Redis server that keeps nothing on disk. Where none is
// installed, it returns nil and no error.
func (b *bench) startRedis(ctx context.Context) (*Child, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, nil
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ready := func(context.Context) error {
		_, err := redisKeys(address)
		return err
	}
	return b.start(ctx, "redis", address, ready, program,
		"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", b.directory)
}

// redisKeys returns how many keys the server at address holds.
func redisKeys(address string) (int, error) {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return 0, err
	}
	if _, err := conn.Write([]byte("DBSIZE\r\n")); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return 0, err
	}
	count, found := strings.CutPrefix(strings.TrimSpace(line), ":")
	if !found {
		return 0, fmt.Errorf("DBSIZE answered %q", line)
	}
	return strconv.Atoi(count)
}

// checkRedisUsed returns an error if the gateway left nothing in Redis, that
// is, if what is about to be measured is not the Redis store.
func checkRedisUsed(redis *Child) error {
	keys, err := redisKeys(redis.Address)
	if err == nil && keys == 0 {
		err = errors.New("the gateway keeps nothing in Redis")
	}
	return err
}
