// Package script runs the scripts of the repository, with tests only:
//
//   - each passes shellcheck, has --help, and refuses what it does not understand
//     (every_test.go);
//   - copies of Redis, made and brought back by scripts/backup-redis.sh, on a real
//     redis-server with what a real gateway has booked there (backup_test.go,
//     restore_test.go);
//   - scripts/setup-dev-env.sh and the hooks of git, in a copy of the repository
//     (setup_test.go).
//
// What scripts/deploy-k8s.sh does in a cluster is for test/k8s, which has one (here: deploy_test.go).
//
// The package has no code of its own.
package script
