package judge

// Explanation says in one sentence each what InterLink does with an answer that breaks a rule of
// docs/contract.md, and what a plugin should do.
type Explanation struct {
	Consequence, Right string
}

// doneTwice explains a container that begins again although no second create was sent.
var doneTwice = Explanation{"The user's work is done twice.", "Start each container of a pod once, and again only as its restart policy says."}

// Explanation returns that of the difference, or else that of its rule.
func (d Difference) Explanation() Explanation {
	if d.own != (Explanation{}) {
		return d.own
	}
	return Explain(d.Rule)
}

// Explain returns the explanation of a rule; both texts are empty for a rule that no
// difference cites.
func Explain(rule string) Explanation { return explanations[rule] }

var explanations = map[string]Explanation{
	"HTTP-5":   {"InterLink handles the call as failed, after 120 s at the latest; a create without an answer makes the pod Failed for good.", "Answer each call within 120 s, also if it fails inside, and do not let one call wait for another."},
	"HTTP-6":   {"InterLink handles the call as failed; a create that is lost in this way makes the pod Failed for good.", "Keep idle connections open for more than 120 s, and answer each request also if it fails inside."},
	"PING-3":   {"The virtual node becomes NotReady within 30 s, and Kubernetes evicts its pods after 300 s.", "Answer the ping with code 200 as long as the plugin can serve."},
	"PING-11":  {"The local scheduler sends pods that no remote node has room for, or none although there is room.", "Say in each ping what the remote nodes have, less what others use."},
	"PING-12":  {"The virtual node keeps the last number, and the local scheduler sends pods that can never run.", "Say 0 for a resource that is gone, in every ping."},
	"CREATE-1": {"InterLink does not send the create, so the plugin never learns of the pod.", "Nothing: the pod of the scenario cannot be sent with this configuration of the virtual kubelet."},
	"CREATE-3": {"InterLink cannot use the answer: the pod is Failed for good.",
		"Answer 200 and one object with PodUID, which is the UID of the local pod, and PodJID."},
	"CREATE-4": {"The local pod is Failed for good, whatever its restart policy is.", "Answer 200 and one object with PodUID and PodJID; retry inside the call what may succeed later."},
	"CREATE-5": {"The user sees the text of the answer in the pod's status, and nothing else.", "Answer with a short plain text that says what is wrong with the pod."},
	"CREATE-6": {"InterLink takes the pod as created, and the user waits for a pod that does not run as it was written.", "Refuse at once, with a code other than 200, what can never run."},
	"CREATE-8": {"InterLink sends a create again after a restart of the virtual kubelet, while the pod runs; the user's work is lost or done twice.",
		"Answer 200 with the same PodJID, and change nothing of a pod that has started."},
	"CREATE-10": {"InterLink does not store the job ID, and creates the pod again after a restart of the virtual kubelet.", "Answer with the UID of the pod of the request."},
	"CREATE-18": {"InterLink takes the pod as created and does not ask again: the user waits for a pod that cannot run.", "Before the answer 200, create one job for the pod and everything that it needs; let no container start before that."},
	"CREATE-19": {"InterLink does not notice it: the pod runs in another way than the user wrote it.", "Copy the fields of the pod, except those that have a meaning only in the local cluster."},
	"ENV-20":    {"InterLink does not notice it: the program in the container works with a wrong value.", "Give each container exactly the values that arrive, and quote them where a shell reads them."},
	"VOL-11":    {"InterLink does not notice it: the new pod does not find what the first one wrote.", "Choose the remote claim by the name of the local claim and the annotations or rules, so that it is the same for each pod."},
	"VOL-12":    {"InterLink does not notice it: the program in the container finds no file, or a wrong one.", "Write each file of ConfigMaps, Secrets and projected volumes to its path, byte for byte, before the container starts."},
	"VOL-14":    {"InterLink does not notice it: what the program in the container writes is lost, or it fails.", "Mount at the path of each claim a volume that the container can write, unless it is read-only."},
	"NET-2":     {"InterLink has no other way to the ports of the pod: its Service leads nowhere.", "Keep one tunnel for a pod with TCP ports, from its create to its delete."},
	"NET-8":     {"InterLink sends no Service, so pods cannot reach each other by name.", "Make the names known that the pod asks for, and remove them with the pod."},
	"STATUS-6":  {"InterLink cannot use the answer, and the user sees the last state.", "Answer 200 and a list with one object for each pod of the request: name, UID, namespace, containers, initContainers."},
	"STATUS-10": {"The user sees the last state, which does not change any more.", "Answer 200 and a JSON list, also while the remote side cannot be reached: then with the last known state."},
	"STATUS-11": {"The user sees the state that the InterLink API server has stored last: Running for ever.", "Answer with one object for each pod of the request, also for a pod that is gone."},
	"STATUS-12": {"The pod is Succeeded at once and for good.", "List every container of the pod; one that has not started is waiting."},
	"STATUS-13": {"The pod is Succeeded too early.", "List every container of the pod; one that has not started is waiting."},
	"STATUS-14": {"The virtual kubelet panics, and all pods of the node are affected.", "List every container of the pod."},
	"STATUS-15": {"The virtual kubelet panics, and all pods of the node are affected.", "List only containers of the user's pod, none that the plugin has added."},
	"STATUS-16": {"The virtual kubelet panics, and all pods of the node are affected.", "Report init containers in their order: ended ones, at most one that runs, then waiting ones."},
	"STATUS-17": {"The pod is Pending for ever.", "When an init container has failed for good, report every container as terminated."},
	"STATUS-18": {"The user and a Job's podFailurePolicy see another result than the container had.", "Report each ended container as terminated with the exit code of its process."},
	"STATUS-20": {"The pod is Pending for ever.", "Leave native sidecars out of both lists."},
	"STATUS-21": {"The pod is Succeeded or Failed for good, although its containers run again.", "Report a container that will run again as waiting, with the end of its last run as last state."},
	"STATUS-22": {"The user sees the reason and the message of a waiting container as the plugin reports them.", "Report the reason and the words of the remote side, such as ImagePullBackOff."},
	"STATUS-25": {"InterLink passes message, signal, restart count and last state on, so the user sees what the plugin reports.", "Report message, restart count and last state of each container as they are."},
	"STATUS-26": {"The virtual kubelet panics, and all pods of the node are affected.", "When a pod fails, report an end for every container of the pod."},
	"STATUS-27": {"The local API server refuses the update, and the user sees the last state.", "Report a container as terminated only when it will not run again, and then for good."},
	"STATUS-30": {"The user sees no state, or a wrong one, of a container; the pod can end too early.", "Report each container of the pod once, and none that the pod does not have."},
	"STATUS-31": {"InterLink takes an end as final: the pod is Succeeded or Failed for good while it still runs or will run again.",
		"Report terminated only when it is final; before another run, report waiting with the last end as last state."},
	"STATUS-32": {"The pod never ends for the user: it stays Pending or Running.", "When the job has ended, report every container as terminated, those that never ran with a code other than 0."},
	"STATUS-37": {"The user sees another phase than the pod has, and controllers act on it.", "Report the containers so that the pod is Pending until it runs, Running while it runs, and ends as its containers ended."},
	"DELETE-1":  {"InterLink sends a delete once and never again: what is left stays for ever, and uses resources.", "Keep trying to delete, in the background, until nothing of the pod is left."},
	"DELETE-2":  {"InterLink only logs the error and never repeats the delete.", "Answer 200 as soon as the delete is accepted, also for a pod that is unknown or gone."},
	"DELETE-10": {"InterLink does not notice it: the data of the user is lost.", "Delete only what was made for the pod."},
	"LOGS-1":    {"The user sees with kubectl logs what the plugin answers, or only a status code.", "Answer 200 and the lines that the container has written, limited as the options say."},
	"LOGS-2":    {"The user gets another part of the log than requested.", "Read the limit from the key Bytes, and answer with as many of the first bytes of the log."},
	"LOGS-4":    {"The user sees the log of another container, or none.", "Without a container's name, answer with the log of the container that kubectl would choose."},
	"LOGS-6":    {"kubectl logs --follow ends too early or never ends.", "Send lines as they are written, and end the answer when the container ends or the caller leaves."},
}
