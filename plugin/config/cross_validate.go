package config

import (
	"fmt"
	"strconv"
)

// problem is a mistake in one option that only the other options show.
type problem struct{ section, key, text string }

// crossValidate checks rules that concern several options.
func (c *Config) crossValidate() []problem {
	var found []problem
	add := func(section, key, text string) { found = append(found, problem{section, key, text}) }

	if network, _ := c.App.Listen(); network == "tcp" {
		if u, err := socketURL(c.App.SocketAddress); err == nil {
			switch port := u.Port(); {
			case port == "" && c.App.SocketPort == 0:
				add("app", "socket_port", "must be from 1 to 65535, because socket_address is a TCP address")
			case port != "" && c.App.SocketPort != 0 && port != strconv.Itoa(c.App.SocketPort):
				add("app", "socket_port", fmt.Sprintf("is %d, but socket_address contains port %s; remove one of them", c.App.SocketPort, port))
			}
		}
	}
	if _, address := c.App.Listen(); c.App.AdminAddress != "" && address == c.App.AdminAddress {
		add("app", "admin_address", "must differ from the address that InterLink calls")
	}
	if c.App.AdminTokenFile != "" && c.App.AdminAddress == "" {
		add("app", "admin_token_file", "is for the page on [app] admin_address, which is empty")
	}
	if c.Offloading.NamespaceTemplate != "" && c.Offloading.Namespace != "" {
		add("offloading", "namespace_template", "is only for namespaces that the plugin creates, but [offloading] namespace names the only one: create the objects there yourself")
	}
	if t := c.TCPTunnel; t.Enabled {
		const required = "is required because [tcp_tunnel] enabled is true: "
		if t.GatewayHost == "" {
			add("tcp_tunnel", "gateway_host", required+"the host of the gateway, where the tunnels end")
		}
		if t.GatewayPort == 0 {
			add("tcp_tunnel", "gateway_port", required+"the SSH port of the gateway, from 1 to 65535")
		}
		switch {
		case t.GatewaySSHPrivateKey == "":
			add("tcp_tunnel", "gateway_ssh_private_key", required+"a private key in PEM, or its base64")
		case !isPrivateKey([]byte(t.GatewaySSHPrivateKey.Reveal())):
			add("tcp_tunnel", "gateway_ssh_private_key", "must be a private key in PEM, or its base64; in the file, indent the lines after the first")
		}
	}
	return found
}
