// Package api_test runs docs/api/postman-collection.json by newman, Postman's own runner,
// against gateways as users have them, and wants it to fail where a gateway answers
// otherwise than api/openapi.yaml says.
package api_test
