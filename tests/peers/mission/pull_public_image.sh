curl -X POST 'https://dockhand.example.com/api/images/pull?env=1' \
-H 'Content-Type: application/json' \
-H 'Cookie: session=...' \
-d '{
"image": "nginx:latest",
"scanAfterPull": true
}'
