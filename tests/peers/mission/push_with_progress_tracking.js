const response = await fetch('/api/images/push?env=1', {
method: 'POST',
headers: { 'Content-Type': 'application/json' },
body: JSON.stringify({
imageId: 'sha256:abc123...',
registryId: 1,
newTag: 'myapp:v2.0'
})
});
const { jobId } = await response.json();
const eventSource = new EventSource(`/api/jobs/${jobId}`);
eventSource.addEventListener('data', (e) => {
const progress = JSON.parse(e.data);
if (progress.data.status === 'complete') {
console.log('Push complete:', progress.data.targetTag);
eventSource.close();
} else if (progress.data.status === 'error') {
console.error('Push failed:', progress.data.error);
eventSource.close();
}
});
