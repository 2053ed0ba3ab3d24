curl -X POST 'https://dockhand.example.com/api/images/pull' \
-H 'Content-Type: application/json' \
-d '{
"image": "nginx@sha256:abc123def456..."
}'
