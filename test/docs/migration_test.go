package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// formerNames are what scripts, dashboards and habits know of the Java system, a line for each kind. Each has its place
// in the documents of the migration.
const formerNames = `
./gradlew build|./gradlew build -x test|./gradlew clean build|./gradlew bootJar|./gradlew runDev|./gradlew runProd|./gradlew bootRun --debug-jvm|./gradlew runDev --debug|./gradlew docker|./gradlew dockerBuildAndPush|./gradlew idea eclipse
./gradlew test|./gradlew test --tests "*X"|./gradlew integrationTest|./gradlew test jacocoTestReport|./gradlew jacocoTestCoverageVerification|./gradlew spotlessApply|./gradlew checkQuality|./gradlew spotbugsMain pmdMain|./gradlew dependencyCheckAnalyze|trivy
scripts/gradle-scripts.sh run-dev|scripts/gradle-scripts.sh setup-dev|scripts/setup-dev-env.sh|scripts/deploy-k8s.sh|scripts/load-test.sh|scripts/backup-redis.sh
application.yml|application-dev.yml|application-prod.yml|application-docker.yml|application-test.yml|max-tokens-per-minute|-hour|-day|max-concurrent-requests|vllm.services|spring.data.redis.host|spring.data.redis.port|${REDIS_HOST:localhost}|logback-spring.xml|JAVA_OPTS
POST /api/v1/models/{model}/chat/completions|X-User-ID|Authorization: Bearer JWT|X-API-Key|GET /api/v1/admin/token-usage/{model}/{user}|GET /api/v1/models|GET /api/v1/models/{model}/health|/actuator/health|/actuator/prometheus|/actuator/info|/actuator/env
token_usage_total|token_rate_limit_exceeded_total|model_request_duration|token_concurrent_requests|HighTokenUsageRate|rate(token_usage_total[5m]) > 100
token:usage:*|maxmemory 256mb|maxmemory-policy allkeys-lru|noeviction|redis-cli keys "token:usage:*"
docker/Dockerfile|docker/Dockerfile.gradle|docker/Dockerfile.dev|docker/docker-compose.yml|docker/docker-compose-gradle.yml|docker/docker-compose.dev.yml|docker stack deploy -c docker/docker-compose.yml token-limiter|admin/admin123|:3000|:9090
model-serving|kubectl apply -f k8s/|k8s/redis/|k8s/token-rate-limiter/|k8s/monitoring/|token-rate-limiter-hpa|app=redis|app=vllm-llama2-7b|EKS|GKE|grep user123|grep ERROR
jcmd 1 GC.run_finalization|jcmd 1 Thread.print|curl …/health
k8s/vllm/new-model-deployment.yaml|token.rate-limit.models
.github/workflows/ci.yml|.github/workflows/cd.yml|.github/workflows/security-scan.yml|.github/workflows/dependency-check.yml|feature/…|feat: …
10,000|50 ms|512 MB|85 %|99.9 %
v1.1|v1.2|v2.0|GraphQL|JWT|A/B
`

// formerFiles are the files of its tree that scripts may use: each is there, or is named in the documents.
const formerFiles = `
k8s/namespace.yaml k8s/redis/redis-deployment.yaml k8s/redis/redis-service.yaml k8s/redis/redis-configmap.yaml
k8s/token-rate-limiter/deployment.yaml k8s/token-rate-limiter/service.yaml k8s/token-rate-limiter/configmap.yaml
k8s/token-rate-limiter/secret.yaml k8s/token-rate-limiter/hpa.yaml k8s/token-rate-limiter/pdb.yaml
k8s/vllm/llama2-7b-deployment.yaml k8s/vllm/llama2-13b-deployment.yaml k8s/vllm/model-services.yaml
k8s/monitoring/prometheus/prometheus-deployment.yaml k8s/monitoring/prometheus/prometheus-service.yaml
k8s/monitoring/prometheus/prometheus-configmap.yaml k8s/monitoring/grafana/grafana-deployment.yaml
k8s/monitoring/grafana/grafana-service.yaml k8s/monitoring/grafana/dashboard-configmap.yaml
k8s/monitoring/servicemonitor.yaml k8s/ingress.yaml k8s/networkpolicy.yaml
monitoring/prometheus/prometheus.yml monitoring/prometheus/alert-rules.yml monitoring/prometheus/targets.yml
monitoring/grafana/dashboards/token-usage-dashboard.json monitoring/grafana/dashboards/system-overview-dashboard.json
monitoring/grafana/dashboards/error-monitoring-dashboard.json monitoring/grafana/datasources/prometheus-datasource.yml
monitoring/alertmanager/alertmanager.yml monitoring/alertmanager/notification-templates/
performance/jmeter/load-test.jmx performance/jmeter/stress-test.jmx performance/jmeter/spike-test.jmx
performance/k6/load-test.js performance/k6/stress-test.js
.github/workflows/ci.yml .github/workflows/cd.yml .github/workflows/security-scan.yml .github/workflows/dependency-check.yml
.github/ISSUE_TEMPLATE/bug_report.md .github/ISSUE_TEMPLATE/feature_request.md .github/ISSUE_TEMPLATE/question.md
.github/PULL_REQUEST_TEMPLATE.md README.md CHANGELOG.md LICENSE CONTRIBUTING.md .gitignore .gitattributes .dockerignore
configs/application.yml configs/application-dev.yml configs/application-prod.yml configs/application-docker.yml configs/application-test.yml
docs/api/openapi.yaml docs/api/postman-collection.json docs/architecture/system-design.md docs/architecture/database-schema.md
docs/architecture/security-guide.md docs/deployment/kubernetes-deployment.md docs/deployment/docker-deployment.md
docs/deployment/production-checklist.md docs/development/coding-standards.md docs/development/testing-guide.md
docs/development/contribution-guide.md
`

// TestFormerNames wants each name of the Java system in the documents of the migration, and each file of its tree
// there or in them.
func TestFormerNames(t *testing.T) {
	for _, path := range []string{"docs/migration.md", "docs/migration.ko.md"} {
		d := readDocument(t, path)
		spans := strings.Join(d.spans(), "\n")
		for name := range strings.FieldsFuncSeq(formerNames, func(r rune) bool { return r == '|' || r == '\n' }) {
			if !strings.Contains(d.text, name) {
				t.Errorf("%s does not say what has become of %s", path, name)
			}
		}
		for _, name := range strings.Fields(formerFiles) {
			_, err := os.Stat(filepath.Join(root, name))
			if named := strings.Contains(spans, name); err != nil && !named {
				t.Errorf("there is no %s, and %s does not say what has become of it", name, path)
			}
		}
	}
}
