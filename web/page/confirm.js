// The question before something is deleted. It has the focus while it is open; Escape and "Keep it" leave all as it was.

import { $ } from './dom.js';

// confirmDelete asks, and runs act on a yes. It resolves to true when act is done, to false when nothing was deleted.
export function confirmDelete(what, act, heading = 'Delete this document?') {
  const dialog = $('confirm');
  const yes = $('confirm-yes');
  const no = $('confirm-no');
  $('confirm-heading').textContent = heading;
  $('confirm-what').textContent = what;
  $('confirm-error').textContent = '';
  let deleted = false;
  yes.onclick = async () => {
    yes.disabled = true;
    try {
      await act();
      deleted = true;
      dialog.close();
    } catch (error) {
      $('confirm-error').textContent = error.text ?? error.message;
    } finally {
      yes.disabled = false;
    }
  };
  no.onclick = () => dialog.close();
  dialog.showModal();
  no.focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', function closed() {
      if (dialog.open) return; // the event comes late: this one is of the question before
      dialog.removeEventListener('close', closed);
      resolve(deleted);
    });
  });
}
