curl -X POST 'https://dockhand.example.com/api/images/push?env=1' \
-H 'Content-Type: application/json' \
-H 'Cookie: session=...' \
-d '{
"imageId": "sha256:abc123...",
"imageName": "myapp:latest",
"registryId": 1,
"newTag": "username/myapp:v1.0"
}'
