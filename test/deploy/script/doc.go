// Package script runs the scripts of the repository, with tests only:
//
//   - each passes shellcheck, has --help, and refuses what it does not understand
//     (every_test.go);
//   - copies of Redis, made and brought back by scripts/backup-redis.sh, on a real
//     redis-server with what a real gateway has booked there (backup_test.go,
//     restore_test.go);
//   - scripts/deploy-k8s.sh where there is no cluster (deploy_test.go); test/k8s has one;
//   - scripts/setup-dev-env.sh and the hooks of git, in a copy of the repository
//     (setup_test.go).
//
// The package has no code of its own.
package script
