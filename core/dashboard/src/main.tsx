/** Starts the page. */
import { render } from 'preact';
import { App } from './app.js';
import { keepPresent } from './model/clock.js';
import { listenToKeys } from './parts/keyboard.js';

const root = document.getElementById('page');
if (root === null) throw new Error('index.html has no element with the id page');
keepPresent();
listenToKeys();
render(<App />, root);
