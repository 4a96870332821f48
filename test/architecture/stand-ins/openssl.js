/** As much of openssl as the documents use, for machines without it: `rand -hex`, and `dgst` with `-hmac`, `-r` and `-binary`. */
import { createHmac, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';

const [command, ...options] = process.argv.slice(2);
const after = (option) => options[options.indexOf(option) + 1];
if (command === 'rand') console.log(randomBytes(Number(after('-hex'))).toString('hex'));
else {
  const algorithm = options.find((option) => /^-sha\d+$/.test(option)).slice(1);
  const digest = createHmac(algorithm, after('-hmac'))
    .update(await buffer(process.stdin))
    .digest();
  process.stdout.write(options.includes('-binary') ? digest : `${digest.toString('hex')} *stdin\n`);
}
