"""Moving content: plain blocking calls over protocols; knows no HTTP library, SQL, path or backend."""
