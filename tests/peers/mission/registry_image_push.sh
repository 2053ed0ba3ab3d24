docker build -t myapi:2.3.0 .
docker tag myapi:2.3.0 registry.example.com/myteam/myapi:2.3.0
docker push registry.example.com/myteam/myapi:2.3.0
docker login registry.example.com
docker push registry.example.com/myteam/myapi:2.3.0
docker push registry.example.com/myteam/myapi:2.4.0
docker pull registry.example.com/myteam/myapi:2.3.0
