curl -X POST 'https://dockhand.example.com/api/images/push?env=1' \
-H 'Content-Type: application/json' \
-d '{
"imageId": "sha256:def456...",
"registryId": 2,
"newTag": "app:production"
}'
