/** As much of curl as the documents use, for machines without it: -X -H -d, the body on standard output, 22 from status 400 on. */
const [headers, rest] = [new Headers(), process.argv.slice(2)];
let [method, body, url] = ['GET', undefined, ''];
for (let option = rest.shift(); option !== undefined; option = rest.shift()) {
  if (['-X', '--request'].includes(option)) method = rest.shift();
  else if (['-H', '--header'].includes(option)) headers.append(...rest.shift().split(/:\s*/, 2));
  else if (['-d', '--data', '--data-binary', '--json'].includes(option)) [method, body] = ['POST', rest.shift()];
  else if (!option.startsWith('-')) url = option;
}
const response = await fetch(/^https?:/.test(url) ? url : `http://${url}`, { method, headers, body });
process.stdout.write(await response.text());
if (!response.ok) console.error(`curl: (22) The requested URL returned error: ${response.status}`);
process.exitCode = response.ok ? 0 : 22;
