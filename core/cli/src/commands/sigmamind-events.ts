/** Types of SigmaMind's webhooks that its documentation describes. */
export const documentedEvents = ['conversation_started', 'conversation_ended', 'conversation_analysed'];
