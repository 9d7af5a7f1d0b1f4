// The origin knows its paths under another beginning than the one under which the site shows them.
function handler(event) {
    const request = event.request;
    const rest = request.uri === PREFIX || request.uri.startsWith(PREFIX + '/')
        ? request.uri.slice(PREFIX.length)
        : request.uri;
    request.uri = (REPLACEMENT + rest) || '/';
    return request;
}
