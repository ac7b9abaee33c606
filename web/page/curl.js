// A request as a command for a shell.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curl(path, body, streams) {
  return `curl -s${streams ? 'N' : ''} ${quoted(location.origin + path)} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(body))}`;
}
