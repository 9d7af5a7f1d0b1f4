// Asks the API, at the address of this page, whether it is well, and says so.
const status = document.querySelector('#health');

try {
    const answer = await fetch('/api/health', { headers: { accept: 'application/json' } });
    status.textContent = answer.ok ? 'The API answers.' : `The API answers with status ${answer.status}.`;
} catch {
    status.textContent = 'The API cannot be reached. Try again in a minute.';
}
