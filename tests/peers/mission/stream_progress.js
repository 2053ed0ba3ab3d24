const response = await fetch('/api/images/pull?env=1', {
method: 'POST',
headers: { 'Content-Type': 'application/json' },
body: JSON.stringify({ image: 'nginx:latest' })
});
const { jobId } = await response.json();
const eventSource = new EventSource(`/api/jobs/${jobId}`);
eventSource.addEventListener('progress', (e) => {
const data = JSON.parse(e.data);
console.log('Progress:', data.status, data.message);
});
eventSource.addEventListener('result', (e) => {
const data = JSON.parse(e.data);
console.log('Complete:', data);
eventSource.close();
});
