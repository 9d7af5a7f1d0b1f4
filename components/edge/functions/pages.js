// What a reader types and what S3 keeps differ: S3 has files only, and no pages of a folder.
function handler(event) {
    const request = event.request;
    const last = request.uri.slice(request.uri.lastIndexOf('/') + 1);
    if (last.includes('.') || request.uri.startsWith('/.well-known/')) {
        return request; // a file, which exists or does not
    }
    if (ROUTING === 'single-page') {
        request.uri = INDEX; // a route of the application, which runs in the browser
    } else {
        request.uri += (last === '' ? '' : '/') + INDEX.slice(1);
    }
    return request;
}
