curl -X POST 'https://dockhand.example.com/api/images/pull?env=1' \
-H 'Content-Type: application/json' \
-d '{
"image": "registry.company.com/app:v2.1.0"
}'
