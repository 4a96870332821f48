/** Signing in with the token of the configuration, once: the router keeps a session in a cookie that scripts cannot read. */

import { useState } from 'preact/hooks';
import { ApiFailure, access, accessReason, api } from '../model/api.js';
import type { Session } from '../model/replies.js';
import { ends } from '../model/wording.js';
import { Action } from '../parts/actions.js';
import { useResource } from '../parts/resource.js';

export function SignIn() {
  if (access.value === 'refused') return <Refused />;
  return <TokenForm />;
}

function TokenForm() {
  const [wrong, setWrong] = useState('');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const token = String(new FormData(event.currentTarget).get('token') ?? '').trim();
    try {
      await api('session', { method: 'POST', body: { token } });
      access.value = 'granted';
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      setWrong(error.code === 'API_TOKEN_WRONG' ? 'This is not the token of the configuration.' : error.message);
    }
  };
  return (
    <div class="sign-in">
      <h1>Sign in</h1>
      <p>
        This router asks for its token: the value of <code>server.admin.token</code> in its configuration.
      </p>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          <span>Token</span>
          <input name="token" type="password" required autocomplete="current-password" aria-describedby="token-wrong" />
        </label>
        <p id="token-wrong" class="wrong" role="alert">
          {wrong}
        </p>
        <button type="submit" class="main">
          Sign in
        </button>
      </form>
    </div>
  );
}

function Refused() {
  return (
    <div class="sign-in">
      <h1>Not from here</h1>
      <p>{ends(accessReason.value)}</p>
      <p>
        Without a token the router answers only requests from its own machine. Set <code>server.admin.token</code> in
        its configuration, or open this page through a tunnel: <code>ssh -L 8080:127.0.0.1:8080 your-server</code>, then{' '}
        <code>http://127.0.0.1:8080/</code>.
      </p>
      <button type="button" onClick={() => location.reload()}>
        Try again
      </button>
    </div>
  );
}

export function SignOut() {
  const session = useResource(`session ${access.value}`, (signal) => api<Session>('session', { signal }));
  const { signedIn, tokenNeeded } = session.data.value ?? { signedIn: false, tokenNeeded: false };
  if (access.value !== 'granted' || !signedIn || !tokenNeeded) return null;
  const end = async (): Promise<null> => {
    await api('session', { method: 'DELETE' });
    access.value = 'needed';
    return null;
  };
  return <Action run={end}>Sign out</Action>;
}
